"""Writes to one account: a change is one IAM call; a rehearsal only notes it."""
