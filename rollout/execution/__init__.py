"""Runs one task per account, several at a time."""
