"""Commands that work on an AWS organization of this machine."""
