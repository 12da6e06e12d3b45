"""Finds the organization and the way into each account: roles, sessions, the caller's identity, the time."""
