"""Keeps the figures of each look, one small file a look, and how every user stood at the last one."""

from __future__ import annotations

import gzip
import logging
from datetime import UTC
from typing import TypeVar

from pydantic import TypeAdapter

from rollout.domain.status.over_time import SCHEMA, KeptLook, Stands
from rollout.errors import RolloutError
from rollout.files.bounded_files import MIB, Limits, unzipped
from rollout.store.files import NamedFiles
from rollout.store.lock_holder import checked

FOLDER = ".rollout/looks"
STANDS = "users.json.gz"
READ_AT_MOST = 60
"""Looks that are read for a report: the newest half of them, and of those before some, evenly."""

T = TypeVar("T")
log = logging.getLogger(__name__)
_LIMITS = Limits(128 * MIB, 128 * MIB)
_LOOK, _STANDS = TypeAdapter(KeptLook), TypeAdapter(Stands)


class KeptLooks:
    """The looks of one organization, in a folder or a bucket.

    They decide nothing, and have no seal: what cannot be read, or is of another version, counts as not there.
    """

    def __init__(self, files: NamedFiles, organization_id: str) -> None:
        """Keep the arguments; read nothing yet."""
        self._files, self._folder = files, f"{FOLDER}/{checked(organization_id)}"

    def keep(self, look: KeptLook, stands: Stands) -> None:
        """Write a look, and how users stand now. Raises Unwritable, AwsFailure."""
        name = f"{look.at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{look.command}.json.gz"
        for place, content in ((STANDS, _STANDS.dump_json(stands)), (name, _LOOK.dump_json(look))):
            with self._files.writing(f"{self._folder}/{place}") as stream:
                stream.write(gzip.compress(content, 6, mtime=0))

    def looks(self) -> tuple[KeptLook, ...]:
        """Read what is kept, the oldest first; of many, some."""
        names = [name for name in self._files.names(self._folder) if name != STANDS]
        newest, older = names[-READ_AT_MOST // 2 :], names[: -READ_AT_MOST // 2]
        step = -(-len(older) // (READ_AT_MOST // 2)) or 1
        found = (self._read(name, _LOOK) for name in [*older[::step], *newest])
        return tuple(sorted((look for look in found if look), key=lambda look: look.at))

    def stands(self) -> Stands:
        """Read how users stood at the last look."""
        return self._read(STANDS, _STANDS) or Stands()

    def _read(self, name: str, kind: TypeAdapter[T]) -> T | None:
        place = f"{self._folder}/{name}"
        try:
            with (
                self._files.reading(place) as stream,
                unzipped(stream, self._files.where(place), _LIMITS) as lines,
            ):
                found = kind.validate_json(lines.read())
        except FileNotFoundError:
            return None
        except (OSError, EOFError, ValueError, RolloutError) as problem:
            log.info("%s is left out: %s", place, problem)
            return None
        return found if getattr(found, "schema", None) == SCHEMA else None
