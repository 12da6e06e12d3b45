"""Matches `*` and `?` as IAM does, in a time that no policy can blow up.

Only these two characters are special (page "IAM JSON policy elements: Action"); brackets and dots are plain text. `*`
matches any sequence of characters, `?` exactly one; both match `/`, `:` and line breaks too. Regular expressions would
do the same, but could backtrack for minutes on a pattern such as `*a*a*a*a*b`; this code handles each star once, from
left to right.
"""

from dataclasses import dataclass
from typing import TypeAlias

Run: TypeAlias = tuple[str, ...]
"""The text between two stars, split at its question marks: `a?b` is `("a", "b")`."""


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, as the runs between its stars: `arn:*:user/?x` is `(("arn:",), (":user/", "x"))`."""

    runs: tuple[Run, ...]

    def matches(self, text: str) -> bool:
        """Tell whether the pattern matches all of `text`, case-sensitively."""
        runs = self.runs
        start = _end_of_run_at(runs[0], text, 0)
        if start < 0:
            return False
        if len(runs) == 1:
            return start == len(text)
        last = runs[-1]
        limit = len(text) - _width(last)
        if limit < start or _end_of_run_at(last, text, limit) < 0:
            return False
        for run in runs[1:-1]:
            start = _end_of_first(run, text, start, limit)
            if start < 0:
                return False
        return True


def glob(pattern: str) -> Glob:
    """Compile a pattern without policy variables."""
    return Glob(tuple(tuple(run.split("?")) for run in pattern.split("*")))


def _width(run: Run) -> int:
    return sum(map(len, run)) + len(run) - 1


def _end_of_run_at(run: Run, text: str, at: int) -> int:
    """Return where `run` ends if it occurs in `text` at position `at`, else -1."""
    if not text.startswith(run[0], at):
        return -1
    at += len(run[0])
    for chunk in run[1:]:
        at += 1
        if not text.startswith(chunk, at):
            return -1
        at += len(chunk)
    return at


def _end_of_first(run: Run, text: str, start: int, limit: int) -> int:
    """Return where the leftmost occurrence of `run` between `start` and `limit` ends, else -1."""
    if len(run) == 1:
        found = text.find(run[0], start, limit)
        return found if found < 0 else found + len(run[0])
    for at in range(start, limit - _width(run) + 1):
        end = _end_of_run_at(run, text, at)
        if end >= 0:
            return end
    return -1
