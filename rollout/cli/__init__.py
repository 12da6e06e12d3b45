"""Options in, exit code out; one small file per command."""
