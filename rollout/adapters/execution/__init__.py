"""Runs account tasks side by side."""
