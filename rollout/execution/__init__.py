"""Runs one task per account, several side by side."""
