"""Finds out which actions are allowed and which documents are valid, without writing anything."""
