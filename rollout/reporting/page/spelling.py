"""Spells numbers and codes for people."""

from __future__ import annotations


def count(number: int | None) -> str:
    """Spell a number: `1,234`; a dash for none."""
    return "–" if number is None else f"{number:,}"


def number_of(number: int, thing: str) -> str:
    """Spell a number of things: `1 user`, `2,000 users`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def share(percent: float | None) -> str:
    """Spell a share: `12.5 %`; a dash for none."""
    return "–" if percent is None else f"{percent:g} %"


def tone(code: str) -> str:
    """Make a class name of a code: `skipped(notice)` is styled as `skipped`, `released until …` as `released`."""
    return code.partition("(")[0].replace(" ", "-")
