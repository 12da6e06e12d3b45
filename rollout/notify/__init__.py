"""Channels that deliver a notice to a person."""
