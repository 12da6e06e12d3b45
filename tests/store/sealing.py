"""Seals for tests, by a key in memory."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rollout.domain.progress.records import Record
from rollout.errors import KeyUnusable, RolloutError
from rollout.store.formats.found_segments import Segment
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.journal_reading import records_of
from rollout.store.formats.new_segment import NewSegment
from rollout.store.formats.seals import Seals, Trust
from tests.builders import ORGANIZATION
from tests.store.test_journal_chain import Kept


@dataclass
class MemoryKey:
    """Fills `StoreKey`; counts how often it was asked."""

    secret: bytes = b"s" * 32
    down: bool = False
    asked: int = 0
    name: str = "alias/test"

    def derive(self, message: bytes) -> bytes:
        self.asked += 1
        if self.down:
            raise KeyUnusable("the store's key alias/test cannot be used: says the test")
        return hmac.digest(self.secret, message, "sha256")


def sealed(
    secret: bytes = b"s" * 32, organization: str = ORGANIZATION, place: str = "folder", *, down: bool = False
) -> Trust:
    """Trust in what one key has sealed, for one organization, in one place; anything else is refused."""
    return Trust(Seals(MemoryKey(secret, down), organization, place))


@dataclass
class MachineMemory:
    """Fills `SeenEnds`."""

    kept: dict[str, str] = field(default_factory=dict)
    where: str = "state.json"

    def ends(self) -> Mapping[str, str]:
        return dict(self.kept)

    def remember(self, ends: Mapping[str, str], instead_of: Mapping[str, str]) -> None:
        self.kept = {run: end for run, end in self.kept.items() if instead_of.get(run) != end} | dict(ends)


@dataclass
class Told:
    """Takes note of what cannot be trusted."""

    problems: list[RolloutError] = field(default_factory=list)

    def __call__(self, problem: RolloutError) -> None:
        self.problems.append(problem)

    @property
    def text(self) -> str:
        return "\n".join(map(str, self.problems))


def lenient(trust: Trust, told: Told) -> Trust:
    """The same trust, where what is wrong is only told."""
    return Trust(trust.seals, told, trust.seen)


def grown(segments: Sequence[Segment], run: str, *records: Record, trust: Trust) -> Kept:
    """The segment of a run that finds these when it begins."""
    lines = [line_of(record) for record in records]
    return Kept(run, NewSegment(run, lambda: segments, trust).spell(lines))


def read(segments: Sequence[Segment], trust: Trust) -> list[Record]:
    return list(records_of(lambda: segments, str, trust))
