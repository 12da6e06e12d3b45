"""Defines the error for an invalid policy document, which sets the whole document aside."""


class Malformed(ValueError):
    """AWS would reject the policy, or we cannot parse it; the message, for people, becomes `Document.problem`."""
