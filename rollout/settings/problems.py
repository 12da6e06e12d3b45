"""Collects every problem with its place, so that one run reports all lines that need correction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rollout.errors import BadSettings
from rollout.visible_text import visible

Key = tuple[str | int, ...]
"""A key path: `("waves", 1, "percent")`."""

MOST_SHOWN = 50
_NEVER_SHOWN = frozenset({"external_id", "hop_external_id"})


@dataclass(frozen=True, slots=True)
class Source:
    """A file or variable that settings come from, and the folder that its relative paths start from."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a source; `text` is the scalar as written there, before YAML converted it."""

    source: Source
    line: int | None = None
    column: int | None = None
    text: str | None = None

    def __str__(self) -> str:
        numbers = [str(number) for number in (self.line, self.column) if number is not None]
        return ":".join([self.source.name, *numbers])


@dataclass(frozen=True, slots=True)
class Problem:
    """One line for the operator."""

    spot: Spot
    key: Key
    sentence: str

    def __str__(self) -> str:
        parts = (str(self.spot), key_text(self.key), self.sentence)
        return visible(": ".join(part for part in parts if part))


def key_text(key: Key) -> str:
    """Format a key path for messages: `waves[1].percent`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def is_never_shown(key: Key) -> bool:
    """Tell whether messages must not repeat the value of a key: whoever reads a log need not know it."""
    return any(part in _NEVER_SHOWN for part in key[-1:])


def refuse(problems: Iterable[Problem]) -> None:
    """Raise BadSettings with one line per problem, in source order; do nothing without problems."""
    lines = list(dict.fromkeys(str(problem) for problem in sorted(problems, key=_order)))
    if not lines:
        return
    more = len(lines) - MOST_SHOWN
    shown = lines[:MOST_SHOWN] + ([f"… and {more} more"] if more > 0 else [])
    raise BadSettings(
        *shown,
        cure="docs/settings.md explains every key; `rollout init` writes a starter file",
    )


def _order(problem: Problem) -> tuple[str, int, int]:
    return problem.spot.source.name, problem.spot.line or 0, problem.spot.column or 0
