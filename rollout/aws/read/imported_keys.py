"""What a file tells of access keys (`evidence.import`), and which of them nobody has."""

from __future__ import annotations

from collections.abc import Mapping

from rollout.domain.people.key_activity import KeyActivity
from rollout.domain.people.observations import Finding
from rollout.domain.people.users import label_of

MOST_NAMED = 3


class ImportedKeys:
    """The activity of keys by ID. It notes which keys were asked for; safe to share between threads."""

    def __init__(self, file: str, activity: Mapping[str, KeyActivity]) -> None:
        """Take what was read from the file."""
        self._file, self._activity = file, activity
        self._known: set[str] = set()

    def of(self, key_id: str) -> KeyActivity | None:
        """Return what the file says of a key; None if it says nothing."""
        self._known.add(key_id)
        return self._activity.get(key_id)

    def findings(self) -> tuple[Finding, ...]:
        """Name the keys of the file that no user has who was read."""
        strange = sorted(self._activity.keys() - self._known)
        if not strange:
            return ()
        some = ", ".join(map(label_of, strange[:MOST_NAMED]))
        more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
        text = f"{self._file} tells of access keys that are not active keys of any user who was read: {some}{more}"
        return (Finding("key-evidence", text),)
