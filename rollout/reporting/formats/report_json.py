"""The report as one JSON document, for programs: every column of the CSV files with its true value, and the totals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from rollout.reporting import spelling
from rollout.reporting.account_columns import ACCOUNTS
from rollout.reporting.change_columns import CHANGES
from rollout.reporting.formats.written_report import WrittenReport
from rollout.reporting.report_data import WaveProgress
from rollout.reporting.tables import Table
from rollout.reporting.user_columns import USERS

T = TypeVar("T")

SCHEMA = 1
"""Raised by one whenever something that was there is gone or means something else; what is added raises nothing."""
_TABLES: dict[str, Table[Any]] = {"accounts": ACCOUNTS, "changes": CHANGES, "users": USERS}
# By the type in a data frame, which every type of cell has.
_SHAPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "object": {"type": "array", "items": {"type": "string"}},
    "bool": {"type": "boolean"},
    "int64": {"type": "integer"},
    "Int64": {"type": ["integer", "null"]},
    "Float64": {"type": ["number", "null"]},
    "datetime64[us, UTC]": {"type": ["string", "null"], "format": "date-time"},
    "datetime64[s]": {"type": ["string", "null"], "format": "date"},
}


def report_json(report: WrittenReport) -> Iterator[str]:
    """Yield the document, in ASCII, a line for each account, change and user: nothing is held twice."""
    data = report.data
    head = {
        "schema": SCHEMA,
        "made_at": spelling.stamp(data.now),
        "organization": data.header.organization_id,
        "plan": data.header.id,
        "plan_checksum": data.header.checksum,
        "read_at": spelling.stamp(data.header.inventory_at),
        "totals": report.totals,
        "waves": [_wave(wave) for wave in data.waves],
        "findings": [
            {"code": one.code, "account_id": one.account_id, "user_arn": one.user_arn, "text": one.text}
            for one in data.findings
        ],
    }
    yield json.dumps(head)[:-1]
    for name, things in (("accounts", data.accounts), ("changes", data.changes), ("users", data.users)):
        yield f',\n"{name}": ['
        yield from _lines(_TABLES[name], things)
        yield "]"
    yield "}\n"


def _lines(table: Table[T], things: Iterable[T]) -> Iterator[str]:
    for number, thing in enumerate(things):
        row = {name: _plain(value) for name, value in table.row(thing).items()}
        yield f"{',' if number else ''}\n{json.dumps(row)}"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return spelling.stamp(value)
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _wave(wave: WaveProgress) -> dict[str, Any]:
    counts = {"users": wave.users, "queued": wave.queued, "told": wave.told, "enforced": wave.enforced}
    moments = {"notified_at": wave.notified_at, "enforced_at": wave.enforced_at}
    waits = [{"for": what, "users": users} for what, users in wave.waits]
    return {"name": wave.name, **counts, **{name: _plain(at) for name, at in moments.items()}, "waits": waits}


def schema() -> dict[str, Any]:
    """Describe the document as a JSON Schema, from the columns; it ships beside this module."""
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    moment = {"type": "string", "format": "date-time"}
    counts = {"type": "object", "additionalProperties": count}
    some_moment = {**moment, "type": ["string", "null"]}
    wave = {
        "name": text,
        **dict.fromkeys(("users", "queued", "told", "enforced"), count),
        **dict.fromkeys(("notified_at", "enforced_at"), some_moment),
        "waits": {"type": "array", "items": _object({"for": text, "users": count})},
    }
    totals = {
        **dict.fromkeys(
            ("users", "under_mfa", "enforced_by_us", "without_device", "unknown", "queued"), count
        ),
        **dict.fromkeys(("verdicts", "unprotected", "accounts"), counts),
    }
    finding = dict.fromkeys(("code", "account_id", "user_arn", "text"), text)
    tables = {
        name: {
            "type": "array",
            "items": _object(
                {one.name: {**_SHAPES[one.type.dtype], "description": one.meaning} for one in table.columns}
            ),
        }
        for name, table in _TABLES.items()
    }
    parts = {
        "schema": {"const": SCHEMA},
        "made_at": moment,
        **dict.fromkeys(("organization", "plan", "plan_checksum"), text),
        "read_at": moment,
        "totals": _object(totals),
        "waves": {"type": "array", "items": _object(wave)},
        "findings": {"type": "array", "items": _object(finding)},
        **tables,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"rollout report, schema {SCHEMA}",
        **_object(parts),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """All of these are there; a later version may add others."""
    return {"type": "object", "properties": properties, "required": list(properties)}
