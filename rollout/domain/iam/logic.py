"""Keeps "we cannot know" apart from yes and no, so that an unknown never passes for either.

A truth is `True`, `False` or `UNKNOWN` (Kleene's three values). `UNKNOWN` refuses to be used as a plain boolean.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final, NoReturn, TypeAlias


class Unknown(Enum):
    """The type of `UNKNOWN`, the third truth and the value of a context key that nobody told us."""

    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        """Refuse: `if truth:` would silently take unknown for yes."""
        raise TypeError("UNKNOWN is neither true nor false; compare with `is True` or `is UNKNOWN`")


UNKNOWN: Final = Unknown.UNKNOWN

Truth: TypeAlias = bool | Unknown


def any_of(truths: Iterable[Truth]) -> Truth:
    """True as soon as one is true; else unknown if one is unknown; false for none at all."""
    result: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is UNKNOWN:
            result = UNKNOWN
    return result


def all_of(truths: Iterable[Truth]) -> Truth:
    """False as soon as one is false; else unknown if one is unknown; true for none at all."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is UNKNOWN:
            result = UNKNOWN
    return result


def negated(truth: Truth) -> Truth:
    """The opposite; unknown stays unknown."""
    return UNKNOWN if truth is UNKNOWN else not truth
