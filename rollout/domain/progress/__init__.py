"""Defines the journal's records and everything that is derived from them."""
