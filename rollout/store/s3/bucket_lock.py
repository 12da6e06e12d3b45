"""Allows one operator at a time in an organization, with a lock object in the team's bucket.

See design.md#apply-journal-store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rollout.errors import Refused, RolloutError, Unwritable
from rollout.store.lock_holder import Holder, checked, held_by, holder_of
from rollout.store.s3.objects import S3Objects
from rollout.workflows.ports import Clock

FOLDER = "locks"
# How often to retry when the lock changes hands in the meantime.
_ROUNDS = 10

log = logging.getLogger(__name__)


class S3Lock:
    """Implements `StoreLock` with one lock object per organization in the store's bucket.

    The object is created only if it does not exist, and replaced or deleted only if it is unchanged since it was read,
    so only one of several operators succeeds. A lock whose process has ended on this host is taken over; any other lock
    raises LockHeld, which names its holder.
    """

    def __init__(
        self, objects: S3Objects, owner: str, host: str, pid: int, process_start: str, clock: Clock
    ) -> None:
        self._objects = objects
        self._me = Holder(owner, host, pid, process_start)
        self._clock = clock
        self._held: tuple[str, str] | None = None

    @contextmanager
    def hold(self, organization_id: str, purpose: str) -> Iterator[None]:
        """Hold the lock while the block runs. Raises LockHeld, Unwritable, AwsFailure, Refused."""
        name = _name(organization_id)
        me = self._me.holding(self._clock.now(), purpose)
        self._take(name, me, organization_id)
        self._held = (name, me.token)
        try:
            yield
        finally:
            self._held = None
            self._release(name, me)

    def still_held(self) -> bool:
        """Tell whether this process still holds the lock that it took. Raises AwsFailure, ExpiredCredentials."""
        if self._held is None:
            return False
        name, token = self._held
        found = self._objects.read(name)
        return found is not None and holder_of(found.content).token == token

    def holder(self, organization_id: str) -> Holder | None:
        """Return the lock's holder, even if its process is dead; None when nobody holds the lock."""
        found = self._objects.read(_name(organization_id))
        return holder_of(found.content) if found else None

    def runs_here(self, holder: Holder) -> bool:
        """Tell whether the holder's process is known to run on this machine."""
        return self._me.knows_alive(holder)

    def break_open(self, organization_id: str) -> Holder | None:
        """Remove the lock for `rollout unlock`, whoever holds it, and return the former holder. Raises Unwritable."""
        name = _name(organization_id)
        former: Holder | None = None
        for _ in range(_ROUNDS):
            found = self._objects.read(name)
            if found is None:
                return former
            former = holder_of(found.content)
            if self._objects.delete(name, found.etag):
                return former
        raise self._contended(name)

    def _take(self, name: str, me: Holder, organization_id: str) -> None:
        content = me.written()
        for _ in range(_ROUNDS):
            if self._objects.create(name, content) is not None:
                self._check_endpoint(name, content)
                return
            found = self._objects.read(name)
            if found is None:
                continue  # released in the meantime
            other = holder_of(found.content)
            if not me.is_certainly_dead(other):
                raise held_by(other, organization_id)
            if self._objects.replace(name, content, found.etag):
                return
        raise self._contended(name)

    def _check_endpoint(self, name: str, content: bytes) -> None:
        """Detect a storage service that ignores conditional writes, before two operators work at the same time."""
        second = self._objects.create(name, content + b"\n")
        if second is None:
            return
        self._objects.delete(name, second)
        raise Refused(
            f"the storage service at {self._objects.place.where('')} ignores `If-None-Match`,"
            " so rollout cannot prevent two runs at the same time there",
            cure="use a service that supports S3's conditional writes, or a folder as `store`",
        )

    def _release(self, name: str, me: Holder) -> None:
        try:
            found = self._objects.read(name)
            if found and holder_of(found.content).token == me.token:
                self._objects.delete(name, found.etag)
        except RolloutError as problem:
            # The run has finished anyway, and the next run on this host takes the lock over.
            log.warning(
                "could not remove the lock (%s); if it blocks other runs, run `rollout unlock`", problem
            )

    def _contended(self, name: str) -> Unwritable:
        return Unwritable(
            f"{self._objects.place.where(name)} changed every time it was read",
            cure="find out who else runs rollout on this store, then run the command again",
        )


def _name(organization_id: str) -> str:
    return f"{FOLDER}/{checked(organization_id)}.json"
