"""Packs a table for the page's script: by column, each text stored once, and compressed where there is much of it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime
from gzip import compress
from itertools import groupby
from typing import Any, TypeVar

from markupsafe import Markup

from rollout.domain.people.organization import user_arn
from rollout.reporting.cells import COUNT, DAY, FLAG, LIST, NUMBER, SHARE, TIME
from rollout.reporting.tables import Column, Table
from rollout.reporting.user_columns import USERS, UserLine

T = TypeVar("T")

# Sentences and addresses are different for everybody; in a big report only users.csv has them.
DETAILS_UP_TO = 50_000
# Up to this many characters, data can be read in the file, and its changes in a review.
PLAIN_UP_TO = 400_000

_EPOCH = date(2000, 1, 1)
_ARN = "user_arn"


def packed_users(users: Sequence[UserLine], partition: str) -> Markup:
    """Give the users as a script element."""
    left_out = {column.name for column in USERS.on_page if column.page and column.page.long}
    if len(users) <= DETAILS_UP_TO:
        left_out = set()
    # ARNs that the script can spell from account, path and name are left to it.
    if all(_spelled(user, partition) == user.entry.user.arn for user in users):
        left_out.add(_ARN)
    return packed(USERS, users, left_out, partition=partition)


def _spelled(user: UserLine, partition: str) -> str:
    return user_arn(partition, user.account.account_id, user.entry.path, user.entry.user.name)


def packed(table: Table[T], lines: Sequence[T], left_out: set[str] | None = None, **more: str) -> Markup:
    """Give the lines of a table as a script element that holds data only: JSON, or much of it as gzip in base64.

    Both are safe inside of that element.
    """
    columns = [_column(column, lines) for column in table.on_page if column.name not in (left_out or ())]
    data = {"rows": len(lines), "epoch": _EPOCH.isoformat(), **more, "columns": columns}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    name = table.file.removesuffix(".csv")
    if len(text) > PLAIN_UP_TO:
        content = compress(text.encode("utf-8", "backslashreplace"), 6, mtime=0)
        return _element(name, "application/gzip", b64encode(content).decode())
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return _element(name, "application/json", text)


def _element(name: str, kind: str, safe: str) -> Markup:
    return Markup(f'<script type="{kind}" id="{name}-data">{safe}</script>')  # noqa: S704 - the text was made safe


def _column(column: Column[T], lines: Sequence[T]) -> dict[str, Any]:
    page = column.page
    head = {"name": column.name, "label": page.label if page else ""}
    if page and page.shown:
        return head | _texts([column.shown(line) for line in lines])
    if column.type is FLAG:
        return head | {"flags": "".join("1" if column.of(line) else "0" for line in lines)}
    if column.type is NUMBER:
        return head | {"numbers": [column.of(line) for line in lines]}
    if column.type in (DAY, TIME):
        return head | {"days": _runs([_day(column.of(line)) for line in lines])}
    if column.type in (COUNT, SHARE):
        unit = " %" if column.type is SHARE else ""
        return head | {"numbers": [column.of(line) for line in lines], "unit": unit}
    lists = {"list": True} if column.type is LIST else {}
    return head | lists | _texts([column.shown(line) for line in lines])


def _texts(texts: list[str]) -> dict[str, Any]:
    """Store each text once, and for every line which one it is; as they are where most of them differ."""
    places: dict[str, int] = {}
    codes = [places.setdefault(text, len(places)) for text in texts]
    if len(places) * 2 > len(texts):
        return {"texts": texts}
    return {"texts": list(places), "codes": _runs(codes)}


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
