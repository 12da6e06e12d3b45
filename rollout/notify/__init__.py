"""Carries notices to people, over the channel that the settings choose."""
