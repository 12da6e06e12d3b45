"""Decides what should happen to each user, and why (design.md#verdicts)."""
