"""Describes a lock's holder: the content of a lock file in a folder and of a lock object in a bucket."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from pydantic import TypeAdapter

from rollout.errors import LockHeld
from rollout.store.processes import is_alive, is_gone

_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as recorded in it. `token` is unique to each holding; "" when the lock cannot be read."""

    owner: str = ""
    host: str = ""
    pid: int = 0
    process_start: str = ""
    since: str = ""
    purpose: str = ""
    token: str = ""

    @property
    def sentence(self) -> str:
        """Describe the holder for a message."""
        if not self.token:
            return "somebody whose lock file cannot be read"
        moment = datetime.fromisoformat(self.since).astimezone(UTC)
        return (
            f"{self.owner} on {self.host} (process {self.pid}) since {moment:%Y-%m-%d %H:%M} UTC"
            f" for `{self.purpose}`"
        )

    def holding(self, now: datetime, purpose: str) -> Holder:
        """Return this holder with a fresh token, holding from `now` on for `purpose`."""
        return replace(self, since=now.astimezone(UTC).isoformat(), purpose=purpose, token=uuid4().hex)

    def is_certainly_dead(self, other: Holder) -> bool:
        """Tell whether another holder is certainly dead: its process ran on this host and has ended."""
        here = bool(other.token) and other.host == self.host
        return here and is_gone(other.pid, other.process_start, self.process_start)

    def knows_alive(self, other: Holder) -> bool:
        """Tell whether another holder runs for sure: a process of this host that is still there."""
        here = bool(other.token) and other.host == self.host
        return here and is_alive(other.pid, other.process_start, self.process_start)

    def written(self) -> bytes:
        """Serialise the holder as the lock's content."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"


_HOLDER = TypeAdapter(Holder)


def holder_of(content: bytes) -> Holder:
    """Parse a lock's content; an unreadable lock counts as held, by an unknown holder."""
    try:
        holder = _HOLDER.validate_json(content)
        datetime.fromisoformat(holder.since)
    except ValueError:
        return Holder()
    return holder


def held_by(other: Holder, organization_id: str) -> LockHeld:
    """Build the error that names the lock's holder."""
    return LockHeld(
        f"organization {organization_id} is locked by {other.sentence}",
        cure="wait until that run has ended; if you are sure that its process is dead, run `rollout unlock`",
    )


def checked(organization_id: str) -> str:
    """Return the ID if it is safe to use in a lock's name. Raises ValueError."""
    if not _ORGANIZATION_ID.fullmatch(organization_id):
        raise ValueError(f"{organization_id!r} is not an organization ID")
    return organization_id
