"""Turns what `rollout doctor` read into checks, each with its cure."""
