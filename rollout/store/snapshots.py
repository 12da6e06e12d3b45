"""Keeps snapshots of what the journal comes to, one for each organization, in a folder or a bucket."""

from __future__ import annotations

import logging

from rollout.domain.progress.projection import Projection
from rollout.errors import RolloutError
from rollout.store.files import NamedFiles
from rollout.store.formats.seals import Seals
from rollout.store.formats.snapshot import Cover, Unfit, read_cover, read_projection, snapshot_bytes
from rollout.store.lock_holder import checked

FOLDER = ".rollout/snapshots"
ENDING = ".snapshot"

log = logging.getLogger(__name__)


class StoredSnapshots:
    """Implements `Snapshots` with one file for each organization. A snapshot that cannot be read counts as none."""

    def __init__(self, files: NamedFiles) -> None:
        """Read nothing yet."""
        self._files = files

    def cover(self, organization_id: str, seals: Seals | None) -> Cover | None:
        """Read which segments went into the snapshot; None if there is none. Raises Unfit, KeyUnusable."""
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
        """Replace the snapshot. Raises Unwritable, AwsFailure, KeyUnusable."""
        with self._files.writing(_name(cover.organization_id)) as stream:
            for part in snapshot_bytes(cover, projection, seals):
                stream.write(part)


def _name(organization_id: str) -> str:
    return f"{FOLDER}/{checked(organization_id)}{ENDING}"
