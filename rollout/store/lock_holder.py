"""What a lock says of its holder, in a folder's file and in a bucket's object alike."""

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
    """Who holds a lock, as it says itself. `token` tells one holding from the next; "" where it cannot be read."""

    owner: str = ""
    host: str = ""
    pid: int = 0
    process_start: str = ""
    since: str = ""
    purpose: str = ""
    token: str = ""

    @property
    def sentence(self) -> str:
        """Say it for a person."""
        if not self.token:
            return "somebody whose lock file cannot be read"
        moment = datetime.fromisoformat(self.since).astimezone(UTC)
        return (
            f"{self.owner} on {self.host} (process {self.pid}) since {moment:%Y-%m-%d %H:%M} UTC"
            f" for `{self.purpose}`"
        )

    def holding(self, now: datetime, purpose: str) -> Holder:
        """Begin to hold: from now on, for a purpose, told from all other holdings."""
        return replace(self, since=now.astimezone(UTC).isoformat(), purpose=purpose, token=uuid4().hex)

    def knows_dead(self, other: Holder) -> bool:
        """Tell whether another holder is dead for sure: a process of this host that has ended. In doubt it lives."""
        here = bool(other.token) and other.host == self.host
        return here and is_gone(other.pid, other.process_start, self.process_start)

    def knows_alive(self, other: Holder) -> bool:
        """Tell whether another holder runs for sure: a process of this host that is still there."""
        here = bool(other.token) and other.host == self.host
        return here and is_alive(other.pid, other.process_start, self.process_start)

    def written(self) -> bytes:
        """Spell it as the lock's content."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"


_HOLDER = TypeAdapter(Holder)


def holder_of(content: bytes) -> Holder:
    """Read a lock's content; one that cannot be read is held all the same, by nobody knows whom."""
    try:
        holder = _HOLDER.validate_json(content)
        datetime.fromisoformat(holder.since)
    except ValueError:
        return Holder()
    return holder


def held_by(other: Holder, organization_id: str) -> LockHeld:
    """Say who has the lock."""
    return LockHeld(
        f"organization {organization_id} is locked by {other.sentence}",
        cure="wait until that run has ended; if you know that it is dead, run `rollout unlock`",
    )


def checked(organization_id: str) -> str:
    """Refuse an id that could name another place than a lock's. Raises ValueError."""
    if not _ORGANIZATION_ID.fullmatch(organization_id):
        raise ValueError(f"{organization_id!r} is no organization id")
    return organization_id
