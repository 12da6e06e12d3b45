"""Says how many there are of something, in the singular or the plural, for every text."""

from __future__ import annotations


def number_of(number: int, one: str, many: str = "") -> str:
    """Spell a number of things: `1 user`, `2,000 users`; `many` where the plural takes more than an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def number_are(number: int) -> str:
    """Spell a number as the subject of a sentence: `1 is`, `2,000 are`."""
    return f"{number:,} {'is' if number == 1 else 'are'}"
