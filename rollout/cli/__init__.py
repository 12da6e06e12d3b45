"""The command line: parses options, runs a workflow, prints the result and returns the exit code."""
