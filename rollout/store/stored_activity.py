"""Keeps what access keys call, one small file for each key, so that CloudTrail is asked about a key once a day."""

from __future__ import annotations

import logging
from datetime import date
from hashlib import sha256
from hmac import compare_digest

from pydantic import TypeAdapter

from rollout.domain.people.key_activity import KeyActivity
from rollout.errors import RolloutError
from rollout.files.bounded_files import SMALL, BoundedStream
from rollout.store.files import NamedFiles
from rollout.store.formats.seals import Seals, Trust, stamped, unstamped
from rollout.store.lock_holder import checked

FOLDER = ".rollout/key-evidence"

log = logging.getLogger(__name__)
_ACTIVITY = TypeAdapter(KeyActivity)


class StoredActivity:
    """Implements `KeptActivity` in a folder or a bucket; safe to share between threads.

    A file is named by a digest of the key's ID, and is replaced on another day. What cannot be read, or is not sealed
    where the store has a key, counts as not there, for it can be looked up again.
    """

    def __init__(self, files: NamedFiles, organization_id: str, trust: Trust | None = None) -> None:
        """Keep the arguments; read nothing yet."""
        self._files, self._trust = files, trust or Trust()
        self._folder = f"{FOLDER}/{checked(organization_id)}"

    def of(self, key_id: str, source: str, day: date) -> KeyActivity | None:
        """Return what was found of a key on this day (UTC), from this source. Raises KeyUnusable."""
        name, seals = self._name(key_id), self._trust.usable()
        try:
            with self._files.reading(name) as stream:
                bare, seal = unstamped(BoundedStream(stream, self._files.where(name), SMALL).readline())
            found = _ACTIVITY.validate_json(bare)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RolloutError) as problem:
            log.info("%s is looked up again: %s", name, problem)
            return None
        if seals and not compare_digest(_seal(seals, name, bare), seal):
            log.info("%s is looked up again: this store's key has not sealed it", name)
            return None
        return found if found.source == source and found.read_at.date() == day else None

    def keep(self, key_id: str, activity: KeyActivity) -> None:
        """Keep what was found of a key, if the store can be written to. Raises KeyUnusable."""
        name, line = self._name(key_id), _ACTIVITY.dump_json(activity) + b"\n"
        if seals := self._trust.usable():
            line = stamped(line, _seal(seals, name, line))
        try:
            with self._files.writing(name) as stream:
                stream.write(line)
        except RolloutError as problem:
            log.info("%s is not kept: %s", name, problem)

    def _name(self, key_id: str) -> str:
        return f"{self._folder}/{sha256(key_id.encode()).hexdigest()[:32]}.json"


def _seal(seals: Seals, name: str, line: bytes) -> bytes:
    return seals.seal("key-evidence", name.encode() + b"\n" + line).encode()
