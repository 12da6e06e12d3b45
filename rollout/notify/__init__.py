"""Channels that carry a notice to a person."""
