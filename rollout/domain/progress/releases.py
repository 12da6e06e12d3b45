"""What the journal says of releases: who is let out, by whom, and what is still to be put back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.people.users import UserRef
from rollout.domain.progress.records import Deadlocked, Released, ReleaseEnded

RELEASE = "release"
"""The command whose removals are meant to be put back one day."""
RELEASE_END = "release --end"

ReleaseRecord = Released | ReleaseEnded


@dataclass(frozen=True, slots=True)
class Returning:
    """A user whom a release took out from under the policy, to be put back when it is over."""

    user: UserRef
    wave: str
    at: datetime


@dataclass(slots=True)
class Releases:
    """Everything about releases and lock-outs.

    `braked` holds, by account, the run of the release that pulled a brake which nobody has let go since; `braked_at`
    says when. `trapped` holds by UserId who is deadlocked. `disturbed` tells for each wave when a release or a
    deadlock last shook it: its soak starts anew from there.
    """

    words: list[ReleaseRecord] = field(default_factory=list)
    returning: dict[str, Returning] = field(default_factory=dict)
    braked: dict[str, str] = field(default_factory=dict)
    braked_at: dict[str, datetime] = field(default_factory=dict)
    trapped: dict[str, Deadlocked] = field(default_factory=dict)
    disturbed: dict[str, datetime] = field(default_factory=dict)
