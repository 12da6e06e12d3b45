"""The ForceMFA documents, one class per IAM write, and what of ours is found in an account."""
