"""What should happen to one user, and every reason why (design.md#verdicts)."""
