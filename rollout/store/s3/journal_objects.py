"""Fetches the objects of a journal side by side, and keeps as much of them in memory as there is room for."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from rollout.errors import JournalDamaged
from rollout.files.bounded_files import MIB
from rollout.store.formats.found_segments import TAIL
from rollout.store.s3.objects import S3Objects

_PARALLEL_READS = 16
# Bytes. What is larger, such as a long segment that was copied here from a folder, is read a part at a time.
_KEPT_WHOLE = 1 * MIB
_ROOM = 48 * MIB


class KeptObjects:
    """The contents of objects by name, until there is no more room: what is in a journal never changes.

    Whoever may write to the bucket decides how much is there; it must not decide how much memory that takes.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._contents: dict[str, bytes] = {}
        self._room = _ROOM
        self._lock = Lock()

    def get(self, name: str) -> bytes | None:
        """Return the content, if it was kept."""
        return self._contents.get(name)

    def keep(self, name: str, content: bytes) -> bool:
        """Keep a content, and tell whether there was room."""
        with self._lock:
            if name not in self._contents:
                if len(content) > self._room:
                    return False
                self._room -= len(content)
                self._contents[name] = content
        return True


@dataclass(frozen=True, slots=True)
class LargeObject:
    """An object that is not kept in memory."""

    objects: S3Objects
    name: str
    size: int
    etag: str

    def tail(self) -> bytes:
        """Read the last bytes of it."""
        part = self.objects.read_part(self.name, max(0, self.size - TAIL), TAIL, self.etag)
        return part.content if part else b""


class Contents:
    """The contents of the objects of one listing: when the first is read, all that are expected to be are fetched."""

    def __init__(self, objects: S3Objects, kept: KeptObjects, folder: str) -> None:
        """Fetch nothing yet."""
        self._objects, self._kept, self._folder = objects, kept, folder
        self._large: dict[str, LargeObject] = {}
        self._expected: dict[str, None] = {}
        self._lock = Lock()

    def expect(self, names: Iterable[str]) -> None:
        """Expect these to be read."""
        self._expected |= dict.fromkeys(names)

    def leave(self, names: Iterable[str]) -> None:
        """Expect these not to be read."""
        for name in names:
            self._expected.pop(name, None)

    def of(self, name: str) -> bytes | LargeObject:
        """Return an object's content. Raises JournalDamaged if it is missing, and AwsFailure."""
        with self._lock:
            if self._there(name) is None:
                self._fetch([name, *(other for other in self._expected if other != name)])
                self._expected.clear()
        found = self._there(name)
        if found is None:
            raise JournalDamaged(
                f"{self.where(name)} is missing",
                cure="take that object back from a backup or an older version; "
                "without it, nobody knows what that run changed",
            )
        return found

    def where(self, name: str) -> str:
        """Return an object's address."""
        return self._objects.place.where(f"{self._folder}/{name}")

    def _there(self, name: str) -> bytes | LargeObject | None:
        content = self._kept.get(name)
        return self._large.get(name) if content is None else content

    def _fetch(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if self._there(name) is None]
        with ThreadPoolExecutor(min(_PARALLEL_READS, len(unknown)), thread_name_prefix="journal") as pool:
            for name, large in zip(unknown, pool.map(self._read, unknown), strict=True):
                if large:
                    self._large[name] = large

    def _read(self, name: str) -> LargeObject | None:
        """Read an object and keep it, unless it is missing; return it if it is too large, or there is no room."""
        whole = f"{self._folder}/{name}"
        found = self._objects.read_part(whole, 0, _KEPT_WHOLE)
        if found is None or (found.size == len(found.content) and self._kept.keep(name, found.content)):
            return None
        return LargeObject(self._objects, whole, found.size, found.etag)
