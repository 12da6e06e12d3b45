"""Reads one account: the bulk calls, and the few that concern a single user."""
