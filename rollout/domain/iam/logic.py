"""Implements three-valued logic, so that an unknown never counts as true or false.

A truth value is `True`, `False` or `UNKNOWN` (Kleene's logic). Using `UNKNOWN` as a plain Boolean raises TypeError.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final, NoReturn, TypeAlias


class Unknown(Enum):
    """The type of `UNKNOWN`, the third truth value, which is also the value of an unknown context key."""

    UNKNOWN = "unknown"

    def __bool__(self) -> NoReturn:
        """Raise TypeError, since `if truth:` would silently treat unknown as true."""
        raise TypeError("UNKNOWN is neither true nor false; compare with `is True` or `is UNKNOWN`")


UNKNOWN: Final = Unknown.UNKNOWN

Truth: TypeAlias = bool | Unknown


def any_of(truths: Iterable[Truth]) -> Truth:
    """Return true if any is true, else unknown if any is unknown, else false (also for no values)."""
    result: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is UNKNOWN:
            result = UNKNOWN
    return result


def all_of(truths: Iterable[Truth]) -> Truth:
    """Return false if any is false, else unknown if any is unknown, else true (also for no values)."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is UNKNOWN:
            result = UNKNOWN
    return result


def negated(truth: Truth) -> Truth:
    """Return the opposite; unknown stays unknown."""
    return UNKNOWN if truth is UNKNOWN else not truth
