"""Keeps snapshots of what the journal comes to, one for each organization, in a folder or a bucket."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from rollout.domain.progress.projection import Projection
from rollout.errors import RolloutError
from rollout.store.files import NamedFiles
from rollout.store.formats.seals import Seals
from rollout.store.formats.snapshot import Cover, Unfit, read_cover, read_projection, snapshot_bytes
from rollout.store.lock_holder import checked

FOLDER = ".rollout/snapshots"
ENDING = ".snapshot"

Afterwards = Callable[[Callable[[], None]], object]
"""Takes what can wait until the command has done what it was called for."""

log = logging.getLogger(__name__)


class StoredSnapshots:
    """Implements `Snapshots` with one file for each organization. A snapshot that cannot be read counts as none."""

    def __init__(self, files: NamedFiles, afterwards: Afterwards | None = None) -> None:
        """Read nothing yet. `afterwards` takes the writing of a snapshot, which costs a second; else it is at once."""
        self._files, self._afterwards = files, afterwards
        self._waiting: Callable[[], None] | None = None

    def cover(self, organization_id: str, seals: Seals | None) -> Cover | None:
        """Read which segments went into the snapshot; None if there is none. Raises Unfit, KeyUnusable.

        One that waits to be written is written first: it is about to save more than it costs.
        """
        self.write_waiting()
        try:
            name = _name(organization_id)
        except ValueError:  # there is no organization of that id
            return None
        try:
            with self._files.reading(name) as stream:
                return read_cover(stream, organization_id, seals)
        except FileNotFoundError:
            return None
        except (OSError, RolloutError) as problem:
            raise Unfit(str(problem)) from problem

    def projection(self, cover: Cover) -> Projection:
        """Read the snapshot of this cover. Raises Unfit."""
        try:
            with self._files.reading(_name(cover.organization_id)) as stream:
                return read_projection(stream, cover)
        except (OSError, RolloutError) as problem:
            raise Unfit(str(problem)) from problem

    def keep(self, cover: Cover, projection: Projection, seals: Seals | None) -> None:
        """Replace the snapshot, now or afterwards; until then, the projection may not change."""
        self._waiting = partial(self._write, cover, projection, seals)
        if self._afterwards is None:
            self.write_waiting()
        else:
            self._afterwards(self.write_waiting)

    def write_waiting(self) -> None:
        """Write what waits to be written. A failure is only noted: it is for speed, and not everybody may write."""
        waiting, self._waiting = self._waiting, None
        try:
            if waiting:
                waiting()
        except RolloutError as problem:
            log.info("no snapshot of the journal was made: %s", problem)

    def _write(self, cover: Cover, projection: Projection, seals: Seals | None) -> None:
        """Raises Unwritable, AwsFailure, KeyUnusable."""
        with self._files.writing(_name(cover.organization_id)) as stream:
            for part in snapshot_bytes(cover, projection, seals):
                stream.write(part)
        log.info("made a snapshot of the journal, of %d runs", len(cover.segments))


def _name(organization_id: str) -> str:
    return f"{FOLDER}/{checked(organization_id)}{ENDING}"
