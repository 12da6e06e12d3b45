"""Keeps plans and other named files in a bucket in the same way as in a folder."""

from __future__ import annotations

import errno
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from rollout.errors import AwsFailure
from rollout.files.private_files import FolderStore, unwritable
from rollout.store.filed_plan import ENDING
from rollout.store.files import NamedFiles
from rollout.store.formats.seals import Trust
from rollout.store.plan_files import Plans, is_file
from rollout.store.s3.objects import ObjectPart, S3Objects

_IN_MEMORY = 16 << 20
# The first part nearly always contains the header of a plan; the rest is read only on demand.
_FIRST_PART = 1 << 16
_NEXT_PARTS = 8 << 20
_LONGEST_NAME = 512


class S3Files:
    """Implements `NamedFiles` below one prefix of a bucket.

    An object is either complete or absent. It is read in parts, so that memory does not limit a plan's size; when the
    object is replaced in the meantime, reading fails rather than mix two versions.
    """

    def __init__(self, objects: S3Objects) -> None:
        self._objects = objects

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """Write an object that appears when the block ends without an error. Raises Unwritable."""
        try:
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
                stream = cast("BinaryIO", body)
                yield stream
                self._objects.put(name, stream)
        except OSError as problem:  # from the local file that buffers the object until it is complete
            raise unwritable(Path(tempfile.gettempdir()), problem) from problem

    @contextmanager
    def reading(self, name: str, start: int = 0) -> Iterator[BinaryIO]:
        """Open an object for reading, from a byte of it on. Raises FileNotFoundError, and AwsFailure."""
        first = self._objects.read_part(name, start, _FIRST_PART)
        if first is None:
            raise FileNotFoundError(errno.ENOENT, "the object does not exist", self.where(name))
        with io.BufferedReader(_Parts(self._objects, name, first, start)) as stream:
            yield cast("BinaryIO", stream)

    def names(self, folder: str) -> list[str]:
        """List the files directly in a folder, sorted."""
        return self._objects.names(folder)

    def where(self, name: str) -> str:
        """Return the address as text."""
        return self._objects.place.where(name)


class _Parts(io.RawIOBase):
    """The bytes of an object, fetched in parts on demand."""

    def __init__(self, objects: S3Objects, name: str, first: ObjectPart, start: int) -> None:
        super().__init__()
        self._objects = objects
        self._name = name
        self._etag, self._size = first.etag, first.size
        self._part = memoryview(first.content)
        self._fetched = start + len(first.content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        if not self._part and self._fetched < self._size:
            self._fetch()
        into = memoryview(cast("bytearray", buffer))
        count = min(len(into), len(self._part))
        into[:count] = self._part[:count]
        self._part = self._part[count:]
        return count

    def _fetch(self) -> None:
        part = self._objects.read_part(self._name, self._fetched, _NEXT_PARTS, self._etag)
        if part is None or not part.content:
            where = self._objects.place.where(self._name)
            raise AwsFailure(
                f"{where} was replaced or deleted while it was being read", cure="run the command again"
            )
        self._part = memoryview(part.content)
        self._fetched += len(part.content)


class S3Plans(Plans):
    """Plans in a bucket. A plan in a local folder, with its evidence, can be opened by its path too."""

    def __init__(self, objects: S3Objects, folder: str = "plans", trust: Trust | None = None) -> None:
        self._store = S3Files(objects)
        super().__init__(self._store, folder, trust)

    def _places(self, reference: str) -> Iterator[tuple[NamedFiles, str]]:
        for text in (reference, f"{reference}{ENDING}"):
            path = Path(text)
            if is_file(path):
                yield FolderStore(path.parent), path.name
        inside = reference.removeprefix(self._store.where(""))
        folder, _, bare = f"{inside.removesuffix(ENDING)}{ENDING}".rpartition("/")
        plain = folder.isprintable() and len(folder) <= _LONGEST_NAME
        if plain and folder and bare in self._store.names(folder):
            yield self._store, f"{folder}/{bare}"
        yield from super()._places(reference)
