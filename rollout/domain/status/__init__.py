"""Combines plan, journal and AWS into the state of users, waves and accounts."""
