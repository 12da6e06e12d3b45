"""What the embedded organization holds, and how it is seeded."""
