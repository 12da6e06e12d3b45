"""Holds a password or a secret URL, and keeps it out of everything that is written."""

from __future__ import annotations

from base64 import b64encode

_HIDDEN = "***"


class Secret:
    """A secret text. Only `reveal` gives it; it has no other representation, and cannot be pickled."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, to be handed to whom it is for."""
        return self._text

    def hide(self, text: str) -> str:
        """Return a text from outside without the secret: a server may repeat what was sent to it."""
        for spelled in (self._text, b64encode(self._text.encode()).decode()):
            text = text.replace(spelled, _HIDDEN) if spelled else text
        return text

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN})"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")
