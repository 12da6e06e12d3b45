"""Packs the users for the page's script: columns, with each text stored once, so that 100,000 users stay small."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

from markupsafe import Markup

from rollout.domain.people.organization import user_arn
from rollout.reporting.cells import DAY, FLAG, LIST, NUMBER, TIME
from rollout.reporting.report import Report
from rollout.reporting.tables import Column
from rollout.reporting.users import USERS, UserLine

# Sentences and addresses are different for everybody; in a big report only users.csv has them.
DETAILS_UP_TO = 20_000

_EPOCH = date(2000, 1, 1)
_ARN = "user_arn"


def packed(report: Report) -> Markup:
    """Give the users as JSON that is safe inside of a script element."""
    users, partition = report.users, report.header.partition
    columns = [
        column
        for column in USERS.on_page
        if len(users) <= DETAILS_UP_TO or not (column.page and column.page.long)
    ]
    # ARNs that the script can spell from account, path and name are left to it.
    if all(_spelled(user, partition) == user.entry.user.arn for user in users):
        columns = [column for column in columns if column.name != _ARN]
    data = {
        "rows": len(users),
        "partition": partition,
        "epoch": _EPOCH.isoformat(),
        "columns": [_column(column, users) for column in columns],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - made safe just above


def _spelled(user: UserLine, partition: str) -> str:
    return user_arn(partition, user.account.account_id, user.entry.path, user.entry.user.name)


def _column(column: Column[UserLine], users: tuple[UserLine, ...]) -> dict[str, Any]:
    page = column.page
    head = {"name": column.name, "label": page.label if page else ""}
    if page and page.shown:
        return head | _texts([column.shown(user) for user in users])
    if column.type is FLAG:
        return head | {"flags": "".join("1" if column.of(user) else "0" for user in users)}
    if column.type is NUMBER:
        return head | {"numbers": [column.of(user) for user in users]}
    if column.type in (DAY, TIME):
        return head | {"days": _runs([_day(column.of(user)) for user in users])}
    lists = {"list": True} if column.type is LIST else {}
    return head | lists | _texts([column.shown(user) for user in users])


def _texts(texts: list[str]) -> dict[str, Any]:
    """Store each text once, and for every user which one it is; as they are where most of them differ."""
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
