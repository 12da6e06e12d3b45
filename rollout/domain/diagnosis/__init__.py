"""What `rollout doctor` makes of what it saw: facts in, checks out, each with its cure."""
