"""Where users, waves and accounts stand: plan, journal and, where somebody looked, AWS, brought together once."""
