"""What was intended and what came of it, as records; everything else about a rollout is derived from them."""
