"""The store that is a bucket, for teams."""
