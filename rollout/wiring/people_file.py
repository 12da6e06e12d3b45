"""Reads the file of people that `notify.find` names: whose user is whose, and how to reach them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

from rollout.domain.people.addresses import Addressee, ListedPerson, PeopleFile, is_address
from rollout.errors import BadSettings
from rollout.files.private_files import create_whole, unwritable
from rollout.reporting.cells import defuse, restore
from rollout.workflows.notices import UnreachedUser

COLUMNS = ("account", "user", "arn", "address", "manager", "language", "zone")
_MOST_BYTES, _MOST_SHOWN = 256 * 1024 * 1024, 20


def read_people(path: Path, may_speak: Callable[[str], bool]) -> PeopleFile:
    """Read a CSV file with the columns `COLUMNS`, in any order; only `user` or `arn`, and `address`, are required.

    Lines without an address are left out: they are still to be filled in. `may_speak` tells whether there are words in
    a language. Raises BadSettings that names every wrong line.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadSettings(
                f"{path} is too large for a file of people", cure="split it: notify.find takes several"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            return PeopleFile.of(_listed(csv.DictReader(file, strict=True), path, may_speak))
    except OSError as problem:
        raise BadSettings(
            f"{path} cannot be read: {problem.strerror}", cure="correct notify.find"
        ) from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise BadSettings(f"{path} is no CSV file in UTF-8: {problem}", cure="save it as such") from problem


def people_of(listed: Iterable[ListedPerson], may_speak: Callable[[str], bool]) -> PeopleFile:
    """Take over people whom nobody wrote down for this: a language without words, or no zone, is left out."""
    return PeopleFile.of(replace(one, addressee=_speaking(one.addressee, may_speak)) for one in listed)


def _speaking(addressee: Addressee, may_speak: Callable[[str], bool]) -> Addressee:
    """Spell a language as our files are called: `de` for `de_DE`."""
    language = re.split("[-_]", addressee.language)[0].lower()
    zone = addressee.zone if _is_zone(addressee.zone) else ""
    return replace(addressee, language=language if may_speak(language) else "", zone=zone)


def _is_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return False
    return True


def write_unreached(path: Path, users: Iterable[UnreachedUser]) -> int:
    """Write a file of people to fill in, and count them. Raises BadSettings if the file exists, Unwritable."""
    text, number = StringIO(), 0
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for user in users:
        number += 1
        writer.writerow([user.account_id, defuse(user.user.name), user.user.arn, "", "", "", ""])
    try:
        made = create_whole(path, text.getvalue().encode("utf-8"))
    except OSError as problem:
        raise unwritable(path, problem) from problem
    if not made:
        raise BadSettings(f"{path} exists already, and may have been filled in", cure="choose another name")
    return number


def _listed(
    rows: csv.DictReader[str], path: Path, may_speak: Callable[[str], bool]
) -> Iterator[ListedPerson]:
    strange = [name for name in rows.fieldnames or () if name not in COLUMNS]
    if (
        strange
        or not {"user", "arn"} & {*(rows.fieldnames or ())}
        or "address" not in (rows.fieldnames or ())
    ):
        raise BadSettings(
            f"{path}:1: the columns are {', '.join(rows.fieldnames or ()) or 'missing'}",
            cure=f"use {', '.join(COLUMNS)}; `rollout notices --unreached FILE` writes such a file",
        )
    wrong, seen = [], set()
    for row in rows:
        cells = {name: restore((row.get(name) or "").strip()) for name in COLUMNS}
        if not cells.get("address"):
            continue
        person = _person(cells, f"{path.name} line {rows.line_num}")
        problem = _problem(cells, may_speak) or ("too many cells" if None in row else "")
        key = person.account, person.user.casefold()
        problem = problem or (f"{person.user} is there twice" if key in seen else "")
        seen.add(key)
        if problem:
            wrong.append(f"{path}:{rows.line_num}: {problem}")
        else:
            yield person
    if wrong:
        more = [f"… and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        raise BadSettings(*wrong[:_MOST_SHOWN], *more, cure="correct these lines")


def _person(cells: Mapping[str, str], found_by: str) -> ListedPerson:
    addressee = Addressee(
        cells["address"], found_by, *(cells.get(name, "") for name in ("manager", "language", "zone"))
    )
    arn = cells.get("arn", "")
    return ListedPerson(arn or cells.get("user", ""), addressee, "" if arn else cells.get("account", ""))


def _problem(cells: Mapping[str, str], may_speak: Callable[[str], bool]) -> str:
    for name in ("address", "manager"):
        if cells.get(name) and not is_address(cells[name]):
            return f'{name} "{cells[name]}" is not a plain email address'
    if not (cells.get("arn") or cells.get("user")):
        return "neither user nor arn"
    language, zone = cells.get("language", ""), cells.get("zone", "")
    if language and not may_speak(language):
        return f'there are no words for messages in the language "{language}"'
    if zone and not _is_zone(zone):
        return f'"{zone}" is no time zone such as Europe/Berlin'
    account = cells.get("account", "")
    return (
        f'account "{account}" is not 12 digits'
        if account and not (account.isdigit() and len(account) == 12)
        else ""
    )
