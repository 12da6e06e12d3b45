"""The moments at which a run is killed: after a while, at a size of its journal, at a write of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from tests.kill.cloud import Cloud
from tests.kill.shell import LONGEST, CommandRun

LOOK_EVERY = 0.001
BYTES_A_CHANGE = 950
"""What an intent and its outcome take in the journal, about."""


class Moment(Protocol):
    """When to kill."""

    def kill(self, process: CommandRun, store: Path, cloud: Cloud) -> bool:
        """Kill a process that has just begun; False when it came to its end before."""


@dataclass(frozen=True)
class AfterAWhile:
    """After so many seconds, whatever the run is at."""

    seconds: float

    def kill(self, process: CommandRun, store: Path, cloud: Cloud) -> bool:
        if not process.wait(self.seconds):
            process.kill()
        return process.died


@dataclass(frozen=True)
class AtJournalSize:
    """As soon as the run's own segment of the journal holds more than so many bytes."""

    size: int

    def kill(self, process: CommandRun, store: Path, cloud: Cloud) -> bool:
        old = set(segments(store))

        def is_full() -> bool:
            return any(path.stat().st_size > self.size for path in segments(store) if path not in old)

        if _until(process, is_full):
            process.kill()
        return process.died


@dataclass(frozen=True)
class AtWrite:
    """At its so-many-th write: when AWS has it, before or after it has an effect."""

    number: int
    after: bool

    def kill(self, process: CommandRun, store: Path, cloud: Cloud) -> bool:
        cloud.trap(process.pid, self.number, after=self.after)
        try:
            process.end()
        finally:
            cloud.disarm()
        return process.died


def segments(store: Path) -> list[Path]:
    """The journal's segments."""
    return list((store / "journal").glob("*.jsonl"))


def draw(dice: Random, pace: int, startup: float) -> Moment:
    """Draw a moment; `pace`: so many changes are to be made by a run, `startup`: seconds until it makes its first.

    Where nothing is left to be made, only the clock can tell.
    """
    changes = dice.randint(1, max(1, 2 * pace))
    match dice.randrange(5) if pace else 0:
        case 0:
            return AfterAWhile(dice.uniform(0.05, 1.5 * startup))
        case 1 | 2:
            return AtJournalSize(dice.randint(1, changes * BYTES_A_CHANGE))
        case 3:
            return AtWrite(changes, after=False)
        case _:
            return AtWrite(changes, after=True)


def _until(process: CommandRun, reached: Callable[[], bool]) -> bool:
    ends = time.monotonic() + LONGEST
    while process.code is None:
        if reached():
            return True
        if time.monotonic() > ends:
            process.kill()
            raise TimeoutError("the run neither ends nor gets anywhere")
        time.sleep(LOOK_EVERY)
    return False
