"""Reads what people answered from a CSV file, and writes what it comes to as lines for `rollout.yaml`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path

import yaml

from rollout.errors import BadSettings
from rollout.files.private_files import create_whole, unwritable
from rollout.reporting.cells import restore
from rollout.visible_text import hidden_in
from rollout.workflows.telling.weighed_answers import Acknowledged, Answer, AnswerKind

COLUMNS = ("arn", "account", "user", "answer", "until", "reason", "owner", "ticket")
"""Only `answer`, and `arn` or `account` and `user`, have to be there."""
SPELLED = {
    "i am ready": AnswerKind.READY,
    "this is a machine": AnswerKind.MACHINE,
    "i need until": AnswerKind.UNTIL,
    **{said.value: said for said in AnswerKind},
}
_MOST_BYTES, _MOST_SHOWN = 64 * 1024 * 1024, 20


def read_answers(path: Path) -> tuple[Answer, ...]:
    """Read the file. Raises BadSettings that names every wrong line."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise BadSettings(f"{path} is too large for a file of answers", cure="split it")
        rows = csv.DictReader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        return tuple(_answers(rows, path))
    except OSError as problem:
        raise BadSettings(
            f"{path} cannot be read: {problem.strerror}", cure="name the file of answers"
        ) from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise BadSettings(f"{path} is no CSV file in UTF-8: {problem}", cure="save it as such") from problem


def _answers(rows: csv.DictReader[str], path: Path) -> Iterator[Answer]:
    names = {str(name).strip().lower() for name in rows.fieldnames or ()}
    if "answer" not in names or not ("arn" in names or {"account", "user"} <= names):
        raise BadSettings(
            f"{path} has no columns arn (or account and user) and answer",
            cure=f"the columns are {', '.join(COLUMNS)}",
        )
    wrong: list[str] = []
    for row in rows:
        cells = {
            str(name).strip().lower(): restore(value.strip())
            for name, value in row.items()
            if isinstance(value, str)
        }
        try:
            yield _answer(cells, rows.line_num)
        except ValueError as problem:
            wrong.append(f"line {rows.line_num}: {problem}")
    if wrong:
        more = [f"… and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        raise BadSettings(
            f"{path} has wrong lines", *wrong[:_MOST_SHOWN], *more, cure="correct them; docs/channels.md"
        )


def _answer(cells: dict[str, str], line: int) -> Answer:
    said = SPELLED.get(" ".join(cells.get("answer", "").lower().strip(" .…").split()))
    if said is None:
        raise ValueError(f'"{cells.get("answer", "")}" is not one of ready, machine and until')
    for name in ("reason", "owner", "ticket"):
        if hidden := hidden_in(cells.get(name, "")):
            raise ValueError(f"{name} has hidden characters: {hidden}")
    until = date.fromisoformat(cells["until"]) if cells.get("until") else None
    return Answer(
        line,
        said,
        cells.get("arn", ""),
        cells.get("account", "").zfill(12) if cells.get("account") else "",
        cells.get("user", ""),
        until,
        cells.get("reason", ""),
        cells.get("owner", ""),
        cells.get("ticket", ""),
    )


def write_proposal(path: Path, found: Acknowledged, wave: str) -> None:
    """Write lines for rollout.yaml, where there is no such file yet. Raises BadSettings, Unwritable."""
    parts = [
        "# What people answered (rollout acknowledge). Nothing of this is in force: review it, and move what you"
    ]
    parts.append(
        "# accept into rollout.yaml. The wave has to stand before the others; exemptions leave users alone."
    )
    if found.ready:
        parts.append(_yaml({"waves": [{"name": wave, "users": [user.arn for user in found.ready]}]}))
    if found.requested:
        lines = [
            {
                "user": one.user.arn,
                "owner": one.owner,
                "reason": one.reason,
                "expires": one.expires,
                **({"ticket": one.ticket} if one.ticket else {}),
            }
            for one in found.requested
        ]
        parts.append(_yaml({"exemptions": lines}))
    try:
        made = create_whole(path, "\n".join(parts).encode())
    except OSError as problem:
        raise unwritable(path, problem) from problem
    if not made:
        raise BadSettings(
            f"{path} exists already, and may have been edited", cure="choose another name: --out FILE"
        )


def _yaml(value: object) -> str:
    text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=1000)
    return text
