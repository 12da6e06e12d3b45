"""Holds what the journal says about releases: who is let out, by whom, and what is to be put back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.people.users import UserRef
from rollout.domain.progress.records import Deadlocked, Released, ReleaseEnded

RELEASE = "release"
"""The command whose removals are put back when the release ends."""
RELEASE_END = "release --end"
ROLLBACK = "rollback"

ReleaseRecord = Released | ReleaseEnded


@dataclass(frozen=True, slots=True)
class ToReturn:
    """A user whom a release took out from under the policy, to be put back when it ends."""

    user: UserRef
    wave: str
    at: datetime


@dataclass(slots=True)
class Releases:
    """Everything about releases and deadlocks.

    `braked` has, by account, the run of the release that pulled a brake that is still pulled, and `braked_at` its
    time, rehearsals apart. `to_return` and `deadlocked` are by UserId. `disturbed` has, by wave, when a release or a
    deadlock last disturbed it, which restarts its soak.
    """

    records: list[ReleaseRecord] = field(default_factory=list)
    to_return: dict[str, ToReturn] = field(default_factory=dict)
    braked: dict[str, str] = field(default_factory=dict)
    braked_at: dict[str, datetime] = field(default_factory=dict)
    deadlocked: dict[str, Deadlocked] = field(default_factory=dict)
    disturbed: dict[str, datetime] = field(default_factory=dict)


def put_on_record(records: list[ReleaseRecord], record: ReleaseRecord) -> None:
    """Add a release, or its end; a run that has reached more people puts its own on record again, instead."""
    if records and (records[-1].run, type(records[-1])) == (record.run, type(record)):
        records.pop()
    records.append(record)
