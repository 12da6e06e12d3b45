"""One operator at a time in an organization: a lock file that says who holds it (DESIGN §8)."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pydantic import TypeAdapter

from rollout.adapters.store.folder import FILE_MODE, create_whole, make_folder, unwritable
from rollout.adapters.store.processes import is_gone
from rollout.errors import LockHeld
from rollout.workflows.ports import Clock

FOLDER = ".rollout/locks"
_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as its file says. `token` tells one holding from the next; "" where it cannot be read."""

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


_HOLDER = TypeAdapter(Holder)


class FolderLock:
    """A lock file per organization in the store's folder (fills `Lock`).

    The file appears whole or not at all, and only where there was none. A lock whose process is dead on this host is
    taken over unasked; any other is refused, naming its holder. It goes away at the end only if it is still ours.
    """

    def __init__(self, root: Path, owner: str, host: str, pid: int, process_start: str, clock: Clock) -> None:
        self._folder = root / FOLDER
        self._me = Holder(owner, host, pid, process_start)
        self._clock = clock
        self._held: tuple[Path, str] | None = None

    @contextmanager
    def hold(self, organization_id: str, purpose: str) -> Iterator[None]:
        """Hold the lock while the block runs. Raises LockHeld, Unwritable."""
        path = self._path(organization_id)
        since = self._clock.now().astimezone(UTC).isoformat()
        me = replace(self._me, since=since, purpose=purpose, token=uuid4().hex)
        make_folder(self._folder)
        try:
            with self._guard(path):
                self._take(path, me, organization_id)
        except OSError as problem:
            raise unwritable(self._folder, problem) from problem
        self._held = (path, me.token)
        try:
            yield
        finally:
            self._held = None
            # A lock that cannot be removed now is taken over once this process has ended.
            with suppress(OSError), self._guard(path):
                if _is(path, me.token):
                    path.unlink()

    def still_held(self) -> bool:
        """Tell whether the lock that this process took is still its own: somebody may have broken it."""
        held = self._held
        return held is not None and _is(*held)

    def holder(self, organization_id: str) -> Holder | None:
        """Tell who holds the lock, dead or alive."""
        return _read(self._path(organization_id))

    def break_open(self, organization_id: str) -> Holder | None:
        """Take the lock away from whoever holds it, for `rollout unlock`; returns who that was. Raises Unwritable."""
        path = self._path(organization_id)
        if not path.exists():
            return None
        try:
            with self._guard(path):
                former = _read(path)
                path.unlink(missing_ok=True)
        except OSError as problem:
            raise unwritable(self._folder, problem) from problem
        return former

    def _path(self, organization_id: str) -> Path:
        if not _ORGANIZATION_ID.fullmatch(organization_id):
            raise ValueError(f"{organization_id!r} is no organization id")
        return self._folder / f"{organization_id}.lock"

    @contextmanager
    def _guard(self, path: Path) -> Iterator[None]:
        """Let one process of this host at a time look at a lock and act on what it saw.

        Without it, two that find the same dead lock could each remove what the other has just made.
        """
        descriptor = os.open(path.with_suffix(".guard"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            with suppress(OSError):  # not every network file system can; creating stays atomic all the same
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _take(self, path: Path, me: Holder, organization_id: str) -> None:
        content = json.dumps(asdict(me), indent=1, ensure_ascii=False).encode() + b"\n"
        while not create_whole(path, content):
            other = _read(path)
            if other is None:
                continue  # released since
            if not self._is_dead(other):
                raise LockHeld(
                    f"organization {organization_id} is locked by {other.sentence}",
                    cure="wait until that run has ended; if you know that it is dead, run `rollout unlock`",
                )
            path.unlink(missing_ok=True)

    def _is_dead(self, other: Holder) -> bool:
        here = bool(other.token) and other.host == self._me.host
        return here and is_gone(other.pid, other.process_start, self._me.process_start)


def _read(path: Path) -> Holder | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return Holder()
    try:
        holder = _HOLDER.validate_json(text)
        datetime.fromisoformat(holder.since)
    except ValueError:
        return Holder()
    return holder


def _is(path: Path, token: str) -> bool:
    holder = _read(path)
    return holder is not None and holder.token == token
