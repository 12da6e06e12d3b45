"""Writes to one account: each change is one IAM call, which a rehearsal only records."""
