"""An AWS organization that runs inside the tool, so that all of it can be tried without an account."""
