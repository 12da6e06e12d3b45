"""Finds out what may be done, for `rollout doctor` and `rollout policy`; writes nothing."""
