"""Fills the ports: AWS, the store, notification channels, execution."""
