"""Makes single AWS calls (allow-list, pacing, retries, error translation) for both `aws` and `store.s3`."""
