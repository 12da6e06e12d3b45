"""Brings ForceMFA to every IAM user of an AWS organization, in reviewed stages."""

__version__ = "0.1.0"
