"""Parses the CSV text of a credential report, with all its placeholder values and both of its date formats.

See aws-facts.md#credential-report.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from rollout.domain.people.users import AccessKey, Password

ROOT = "<root_account>"
NOTHING = frozenset({"", "n/a", "no_information", "not_supported"})
NEEDED = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "mfa_active",
    *(
        f"access_key_{slot}_{column}"
        for slot in (1, 2)
        for column in ("active", "last_rotated", "last_used_date")
    ),
)
"""Columns that verdicts need; other columns may be missing, and unknown ones are ignored."""


class UnusableReport(Exception):
    """The text is not a credential report, or lacks a needed column."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One user's row of the report."""

    arn: str
    created: datetime | None
    password: Password | None
    mfa_active: bool
    keys: tuple[AccessKey, ...]
    certificates: int


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report, without the rows that could not be parsed."""

    generated_at: datetime
    rows: Mapping[str, ReportRow]
    root_mfa_active: bool | None


def parse_report(content: bytes, generated_at: datetime) -> Report:
    """Parse a report. A truncated or garbled row is left out, so that its user is read live. Raises UnusableReport."""
    lines = csv.reader(io.StringIO(content.decode("utf-8", errors="replace"), newline=""), strict=True)
    try:
        header = next(lines, [])
        missing = [column for column in NEEDED if column not in header]
        if missing:
            raise UnusableReport(f"the credential report lacks the column {missing[0]}")
        rows: dict[str, ReportRow] = {}
        root = None
        for line in lines:
            cells = dict(zip(header, line, strict=False))
            row = _row(cells) if len(line) == len(header) else None
            if cells.get("user") == ROOT:
                root = row.mfa_active if row else None
            elif row:
                rows[row.arn] = row
    except csv.Error as error:
        raise UnusableReport(f"the credential report is not valid CSV: {error}") from error
    return Report(generated_at, rows, root)


def _row(cells: Mapping[str, str]) -> ReportRow | None:
    # The report only counts keys beyond the first two; a user who has more is read live.
    if not _is_nothing(cells.get("additional_credentials_info", "")):
        return None
    try:
        return ReportRow(
            arn=cells["arn"],
            created=_instant(cells["user_creation_time"]),
            password=_password(cells),
            mfa_active=_flag(cells["mfa_active"]),
            keys=tuple(key for slot in (1, 2) for key in _key(cells, slot)),
            certificates=sum(_flag(cells.get(f"cert_{slot}_active", "")) for slot in (1, 2)),
        )
    except ValueError:
        return None


def _password(cells: Mapping[str, str]) -> Password | None:
    if not _flag(cells["password_enabled"]):
        return None
    return Password(
        last_used=_instant(cells["password_last_used"]),
        last_changed=_instant(cells["password_last_changed"]),
        next_rotation=_instant(cells.get("password_next_rotation", "")),
    )


def _key(cells: Mapping[str, str], slot: int) -> tuple[AccessKey, ...]:
    prefix = f"access_key_{slot}_"
    active, created = _flag(cells[prefix + "active"]), _instant(cells[prefix + "last_rotated"])
    if not active and created is None:
        return ()
    used = _instant(cells[prefix + "last_used_date"])
    key = AccessKey(
        slot=slot,
        active=active,
        # The last rotation: when the key was created, activated or deactivated.
        created=created,
        last_used=used,
        service=_text_or_none(cells.get(prefix + "last_used_service", "")),
        region=_text_or_none(cells.get(prefix + "last_used_region", "")),
    )
    return (key,)


def _flag(cell: str) -> bool:
    word = cell.strip().casefold()
    if word == "true":
        return True
    if word == "false" or word in NOTHING:
        return False
    raise ValueError(cell)


def _instant(cell: str) -> datetime | None:
    if _is_nothing(cell):
        return None
    instant = datetime.fromisoformat(cell.strip())
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def _text_or_none(cell: str) -> str | None:
    return None if _is_nothing(cell) else cell.strip()


def _is_nothing(cell: str) -> bool:
    return cell.strip().casefold() in NOTHING
