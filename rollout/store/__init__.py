"""Keeps plans, the journal and the lock, in a local folder or in an S3 bucket."""
