"""Decides which writes an account needs, in which order, and what forbids them."""
