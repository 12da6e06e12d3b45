"""Judges whoever was read, account by account, for a plan or a list."""
