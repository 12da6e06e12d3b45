"""Says that a policy text cannot be what its author meant, so that the whole document is set aside."""


class Malformed(ValueError):
    """AWS would refuse the text, or we cannot read it; the message is for a person and becomes `Document.problem`."""
