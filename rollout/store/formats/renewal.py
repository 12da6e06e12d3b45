"""The note beside a plan that says when planning again made no difference.

It makes no plan valid: a plan's own checksum is compared with its bytes first, and a note counts for that checksum
only. In a store that has a key, it counts only with a seal.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256

from rollout.store.formats.seals import Seals

SCHEMA = 1
_KIND = "renewal"


def renewal_bytes(plan_checksum: str, renewed: datetime, seals: Seals | None = None) -> bytes:
    """Spell the note. `renewed` is aware."""
    values = {"schema": SCHEMA, "plan": plan_checksum, "renewed": renewed.isoformat()}
    checksum = _checksum(values)
    seal = {"seal": seals.seal(_KIND, checksum.encode())} if seals else {}
    return (json.dumps({**values, "checksum": checksum, **seal}, indent=2) + "\n").encode()


def read_renewal(raw: bytes, plan_checksum: str, seals: Seals | None = None) -> datetime | None:
    """Read the note; None where it was altered, has no seal that it needs, or is about other bytes than this plan's.

    A plan then counts as no newer than it was made.
    """
    try:
        values = json.loads(raw)
        stated, seal = values.pop("checksum"), str(values.pop("seal", ""))
        renewed = datetime.fromisoformat(values["renewed"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    sound = stated == _checksum(values) and values.get("schema") == SCHEMA and renewed.tzinfo is not None
    sound = sound and (seals is None or seals.fits(_KIND, stated.encode(), seal))
    return renewed if sound and values.get("plan") == plan_checksum else None


def _checksum(values: dict[str, object]) -> str:
    return f"sha256:{sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()}"
