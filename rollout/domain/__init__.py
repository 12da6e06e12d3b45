"""Decisions only: values in, values out; no AWS, files, clock or randomness."""
