"""Records what was done when people were let out: without delay, and later where the store was not there."""
