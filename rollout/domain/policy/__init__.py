"""Defines the ForceMFA documents, the IAM writes, and our resources in an account."""
