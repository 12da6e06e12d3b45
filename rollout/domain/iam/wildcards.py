"""Matches `*` and `?` the way IAM does, in time that no policy text can make explode.

Only these two characters are special (page "IAM JSON policy elements: Action"): brackets and dots are plain text. `*`
stands for any run of characters, `?` for exactly one; both cross `/`, `:` and line breaks. Regular expressions would
do the same but backtrack for minutes on a text such as `*a*a*a*a*b`; here every star is settled once, left to right.
"""

from dataclasses import dataclass
from typing import TypeAlias

Run: TypeAlias = tuple[str, ...]
"""The text between two stars, split at its question marks: `a?b` is `("a", "b")`."""


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern as its runs between the stars: `arn:*:user/?x` is `(("arn:",), (":user/", "x"))`."""

    runs: tuple[Run, ...]

    def matches(self, text: str) -> bool:
        """Whether the pattern stands for the whole of `text`, case-sensitively."""
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
    """Compile a pattern that holds no policy variables."""
    return Glob(tuple(tuple(run.split("?")) for run in pattern.split("*")))


def _width(run: Run) -> int:
    return sum(map(len, run)) + len(run) - 1


def _end_of_run_at(run: Run, text: str, at: int) -> int:
    """Where `run` ends if it stands in `text` at `at`, else -1."""
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
    """Where the leftmost stand of `run` between `start` and `limit` ends, else -1."""
    if len(run) == 1:
        found = text.find(run[0], start, limit)
        return found if found < 0 else found + len(run[0])
    for at in range(start, limit - _width(run) + 1):
        end = _end_of_run_at(run, text, at)
        if end >= 0:
            return end
    return -1
