"""`rollout prove` on the command line."""
