"""The note beside a plan that says when planning again made no difference.

It makes no plan valid: a plan's own checksum is compared with its bytes first, and a note counts for that checksum
only.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256

SCHEMA = 1


def renewal_bytes(plan_checksum: str, renewed: datetime) -> bytes:
    """Spell the note. `renewed` is aware."""
    values = {"schema": SCHEMA, "plan": plan_checksum, "renewed": renewed.isoformat()}
    return (json.dumps({**values, "checksum": _checksum(values)}, indent=2) + "\n").encode()


def read_renewal(raw: bytes, plan_checksum: str) -> datetime | None:
    """Read the note; None where it was altered, or is about other bytes than this plan's.

    A plan then counts as no newer than it was made.
    """
    try:
        values = json.loads(raw)
        stated = values.pop("checksum")
        renewed = datetime.fromisoformat(values["renewed"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    sound = stated == _checksum(values) and values.get("schema") == SCHEMA and renewed.tzinfo is not None
    return renewed if sound and values.get("plan") == plan_checksum else None


def _checksum(values: dict[str, object]) -> str:
    return f"sha256:{sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()}"
