"""One operator at a time in an organization, for teams: a lock object that says who holds it.

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
# How often a lock is looked at that changes hands meanwhile.
_ROUNDS = 10

log = logging.getLogger(__name__)


class S3Lock:
    """A lock object per organization in the store's bucket (fills `Lock`).

    It is made only where there is none, and replaced or deleted only as it was last seen, so of several operators one
    succeeds. A lock whose process is dead on this host is taken over unasked; any other is refused, naming its holder.
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
        """Tell whether the lock that this process took is still its own. Raises AwsFailure, ExpiredCredentials."""
        if self._held is None:
            return False
        name, token = self._held
        found = self._objects.read(name)
        return found is not None and holder_of(found.content).token == token

    def holder(self, organization_id: str) -> Holder | None:
        """Tell who holds the lock, dead or alive."""
        found = self._objects.read(_name(organization_id))
        return holder_of(found.content) if found else None

    def runs_here(self, holder: Holder) -> bool:
        """Tell whether the holder's process is known to run on this machine."""
        return self._me.knows_alive(holder)

    def break_open(self, organization_id: str) -> Holder | None:
        """Take the lock away from whoever holds it, for `rollout unlock`; returns who that was. Raises Unwritable."""
        name = _name(organization_id)
        former: Holder | None = None
        for _ in range(_ROUNDS):
            found = self._objects.read(name)
            if found is None:
                return former
            former = holder_of(found.content)
            if self._objects.delete(name, found.etag):
                return former
        raise self._restless(name)

    def _take(self, name: str, me: Holder, organization_id: str) -> None:
        content = me.written()
        for _ in range(_ROUNDS):
            if self._objects.create(name, content) is not None:
                self._check_endpoint(name, content)
                return
            found = self._objects.read(name)
            if found is None:
                continue  # released since
            other = holder_of(found.content)
            if not me.knows_dead(other):
                raise held_by(other, organization_id)
            if self._objects.replace(name, content, found.etag):
                return
        raise self._restless(name)

    def _check_endpoint(self, name: str, content: bytes) -> None:
        """Find out a storage service that ignores conditions before two operators find each other."""
        second = self._objects.create(name, content + b"\n")
        if second is None:
            return
        self._objects.delete(name, second)
        raise Refused(
            f"the storage service at {self._objects.place.where('')} ignores `If-None-Match`:"
            " there, nobody can be kept from running beside somebody else",
            cure="use one that knows S3's conditional writes, or a folder as `store`",
        )

    def _release(self, name: str, me: Holder) -> None:
        try:
            found = self._objects.read(name)
            if found and holder_of(found.content).token == me.token:
                self._objects.delete(name, found.etag)
        except RolloutError as problem:
            # What was done is done; on this host, the next run takes the lock over.
            log.warning("the lock could not be given back (%s); if it is in the way: rollout unlock", problem)

    def _restless(self, name: str) -> Unwritable:
        return Unwritable(
            f"{self._objects.place.where(name)} changes whenever it is looked at",
            cure="see who else runs rollout on this store, then run the command again",
        )


def _name(organization_id: str) -> str:
    return f"{FOLDER}/{checked(organization_id)}.json"
