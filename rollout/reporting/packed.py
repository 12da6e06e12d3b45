"""Packs the users for the page's script: columns, with each word stored once, so that 100,000 users stay small."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

from markupsafe import Markup

from rollout.domain.people.organization import user_arn
from rollout.reporting.rows import Flat, UserRow

# Sentences and addresses are different for everybody; in a big report they stand in users.csv only.
DETAILS_UP_TO = 20_000

_EPOCH = date(2000, 1, 1)

_WORDS: dict[str, Callable[[UserRow], str]] = {
    "verdict": lambda row: row.verdict,
    "state": lambda row: row.state,
    "waits_for": lambda row: row.waits_for,
    "reasons": lambda row: ", ".join(row.reasons),
    "impact": lambda row: row.impact,
    "wave": lambda row: row.wave,
    "mfa_kinds": lambda row: ", ".join(row.mfa_kinds),
    "enforced_by": lambda row: row.enforced_by,
    "covered_by": lambda row: row.covered_by,
    "cure": lambda row: row.cure,
    "delivery": lambda row: row.delivery,
    "path": lambda row: row.path,
}
_DETAILS: dict[str, Callable[[UserRow], str]] = {
    "why": lambda row: row.why,
    "forecast": lambda row: row.forecast,
    "address": lambda row: row.address,
}
_FLAGS: dict[str, Callable[[UserRow], bool]] = {
    "console": lambda row: row.console_access,
    "mfa_active": lambda row: row.mfa_active,
    "enforced": lambda row: row.enforced,
}
_DAYS: dict[str, Callable[[UserRow], date | datetime | None]] = {
    "key_last_used": lambda row: row.key_last_used,
    "password_last_used": lambda row: row.password_last_used,
    "exempt_until": lambda row: row.exempt_until,
    "notified_at": lambda row: row.notified_at,
    "notice_due": lambda row: row.notice_due,
    "observed_at": lambda row: row.observed_at,
}


def packed(flat: Flat) -> Markup:
    """Give the users as JSON that is safe inside a script element: it holds no `<`, `>` or `&`."""
    rows = flat.users
    accounts = sorted({(row.account_id, row.account_name, row.ou_path) for row in rows})
    place = {account: number for number, account in enumerate(accounts)}
    words = _WORDS | (_DETAILS if len(rows) <= DETAILS_UP_TO else {})
    partition = flat.header.partition
    spelt = all(row.user_arn == user_arn(partition, row.account_id, row.path, row.user_name) for row in rows)
    data: dict[str, Any] = {
        "rows": len(rows),
        "partition": partition,
        "epoch": _EPOCH.isoformat(),
        "accounts": accounts,
        "account": _runs([place[row.account_id, row.account_name, row.ou_path] for row in rows]),
        "user_name": [row.user_name for row in rows],
        "user_id": [row.user_id for row in rows],
        "user_arn": None if spelt else [row.user_arn for row in rows],
        "active_keys": [row.active_keys for row in rows],
        "words": {key: _coded(map(text, rows)) for key, text in words.items()},
        "flags": {key: "".join("1" if flag(row) else "0" for row in rows) for key, flag in _FLAGS.items()},
        "days": {key: _runs([_day(moment(row)) for row in rows]) for key, moment in _DAYS.items()},
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - made safe just above


def _coded(texts: Iterable[str]) -> dict[str, Any]:
    """Store each text once, and for every row which one it is."""
    words: dict[str, int] = {}
    codes = [words.setdefault(text, len(words)) for text in texts]
    return {"words": list(words), "codes": _runs(codes)}


def _runs(numbers: list[int]) -> list[int] | dict[str, list[int]]:
    """Say a number that repeats once, with how often it does, where that is shorter: value, times, value, times."""
    runs = [part for value, same in groupby(numbers) for part in (value, sum(1 for _ in same))]
    return {"runs": runs} if len(runs) < len(numbers) else numbers


def _day(moment: date | datetime | None) -> int:
    """Count days since the epoch; 0 for none."""
    if moment is None:
        return 0
    if isinstance(moment, datetime):
        moment = moment.astimezone(UTC).date()
    return (moment - _EPOCH).days
