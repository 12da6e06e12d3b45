"""One AWS call: looked up in the table, paced, retried, its error translated; shared by `aws` and `store.s3`."""
