"""Connects to the organization and its accounts: roles, sessions, the caller's identity, AWS's time."""
