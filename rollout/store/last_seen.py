"""Remembers on this machine how the journal ended when it was last read, so that its end cannot be cut off unnoticed.

What the last run wrote, no later run has seen. Whoever may delete in the store could take it back, with a seal or
without; only what is kept elsewhere can tell.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from rollout.errors import Unwritable
from rollout.files.private_files import FolderStore

log = logging.getLogger(__name__)

SCHEMA = 1


class LastSeen:
    """Implements `SeenEnds` with one small file for each store, in a folder of the user's.

    Where that folder cannot be written, nothing is remembered.
    """

    def __init__(self, folder: Path, organization_id: str, place: str) -> None:
        """Keep the arguments; read nothing yet. `place` is the address of the store, or the path of its folder."""
        self._folder = folder
        self._place = place
        self._name = f"{organization_id}-{sha256(place.encode()).hexdigest()[:12]}.json"

    @property
    def where(self) -> str:
        """The path of the file, for messages."""
        return str(self._folder / self._name)

    def ends(self) -> Mapping[str, str]:
        """Return, by run, the checksum of the last line that was seen of it."""
        try:
            values = json.loads((self._folder / self._name).read_bytes())
            ends = values["ends"] if values["schema"] == SCHEMA else {}
            return {str(run): str(end) for run, end in ends.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            log.info("%s cannot be read: %s", self.where, problem)
            return {}

    def remember(self, ends: Mapping[str, str], instead_of: Mapping[str, str]) -> None:
        """Remember these ends in place of others; what was remembered meanwhile stays."""
        known = self.ends()
        kept = {run: end for run, end in known.items() if instead_of.get(run) != end}
        if known == {**kept, **ends}:
            return
        content = json.dumps({"schema": SCHEMA, "store": self._place, "ends": {**kept, **ends}}, indent=1)
        try:
            with FolderStore(self._folder).writing(self._name) as stream:
                stream.write(content.encode() + b"\n")
        except Unwritable as problem:
            log.info("the end of the journal is not remembered: %s", problem)
