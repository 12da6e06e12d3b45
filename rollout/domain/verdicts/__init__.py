"""What should happen to one user, and every reason why (DESIGN §4)."""
