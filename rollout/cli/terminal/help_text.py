"""Turns docstrings into help texts, with each paragraph on one line so that the terminal can wrap it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc


def described(command: Callable[..., object]) -> str:
    """Return the help text from a command's docstring."""
    return unwrapped(command.__doc__ or "")


def unwrapped(text: str) -> str:
    """Join the lines of each paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in cleandoc(text).split("\n\n"))
