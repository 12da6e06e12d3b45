"""Reads the words of notices in one language: shipped with the package, changed or added by a file of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter

import yaml

from rollout.errors import BadSettings
from rollout.files.bounded_files import BeyondLimit
from rollout.files.bounded_yaml import WrongYaml, bounded_value
from rollout.visible_text import visible

ENGLISH = "en"
LISTS = {"weekdays": 7, "months": 12}
_MOST_BYTES, _MOST_VALUES = 256 * 1024, 1000
TEMPLATES = files("rollout.notify").joinpath("templates")


@dataclass(frozen=True, slots=True)
class Words:
    """The parts of a notice in one language, by name; `lists` has the names of weekdays and months."""

    language: str
    parts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]

    def say(self, part: str, **values: object) -> str:
        """Fill in a part. Whatever is filled in shows itself, and is not read for braces again."""
        return self.parts[part].format_map({name: visible(str(value)) for name, value in values.items()})

    def moment(self, when: datetime, zone: tzinfo, part: str = "moment") -> str:
        """Write a time that cannot be misread: `Tuesday, 8 December 2026, 00:00 Europe/Berlin time (UTC+01:00)`."""
        local = when.astimezone(zone)
        return self.say(
            part,
            weekday=self.lists["weekdays"][local.weekday()],
            day=local.day,
            month=self.lists["months"][local.month - 1],
            year=local.year,
            time=f"{local:%H:%M}",
            zone=self._zone(local),
        )

    def on_day(self, day: date) -> str:
        """Write a day: `8 December 2026`."""
        month = self.lists["months"][day.month - 1]
        return self.say("date", day=day.day, month=month, year=day.year)

    def _zone(self, local: datetime) -> str:
        """Name the time zone of a time in full, for abbreviations mean different zones in different places."""
        name = str(local.tzinfo)
        if name in ("UTC", "Etc/UTC"):
            return "UTC"
        offset = f"{local:%z}"
        return self.say("zone", name=name, offset=f"{offset[:3]}:{offset[3:5]}")


def shipped_languages() -> tuple[str, ...]:
    """List the languages that come with the package."""
    found = (item.name for item in TEMPLATES.iterdir() if item.name.endswith(".yaml"))
    return tuple(sorted(name.removesuffix(".yaml") for name in found))


def has_words(language: str, folder: Path | None) -> bool:
    """Tell whether there are words in a language, shipped or of one's own."""
    return language in shipped_languages() or (folder is not None and (folder / f"{language}.yaml").exists())


@cache
def words_in(language: str, folder: Path | None) -> Words:
    """Read a language; a file in `folder` takes precedence, part by part. Raises BadSettings."""
    known: dict[str, object] = _shipped(language) if language in shipped_languages() else {}
    own = folder / f"{language}.yaml" if folder else None
    if own is not None and own.exists():
        known = {**known, **_read(own)}
    elif not known:
        where = f"{folder} has no {language}.yaml" if folder else "notify.templates names no folder"
        raise BadSettings(
            f'there are no words for messages in the language "{language}": {where}',
            cure=f"use one of {', '.join(shipped_languages())}, or write that file (en.yaml of the package shows how)",
        )
    _check(known, language, str(own or language))
    lists = {name: tuple(map(str, _as_list(known[name]))) for name in LISTS}
    return Words(language, {name: str(text) for name, text in known.items() if name not in LISTS}, lists)


@cache
def _shipped(language: str) -> dict[str, object]:
    return _mapping(TEMPLATES.joinpath(f"{language}.yaml").read_bytes(), f"{language}.yaml")


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as problem:
        raise BadSettings(
            f"{path} cannot be read: {problem.strerror}", cure="see notify.templates"
        ) from problem
    if len(text) > _MOST_BYTES:
        raise BadSettings(f"{path} is too large for the words of a message", cure="see notify.templates")
    return _mapping(text, str(path))


def _mapping(text: bytes, where: str) -> dict[str, object]:
    try:
        found = bounded_value(text, _MOST_VALUES)
    except (BeyondLimit, WrongYaml, yaml.YAMLError, UnicodeDecodeError) as problem:
        raise BadSettings(f"{where} is no YAML that is read here: {problem}", cure="correct it") from problem
    if not isinstance(found, dict):
        raise BadSettings(f"{where} is no mapping of parts to words", cure="en.yaml of the package shows how")
    return {str(name): value for name, value in found.items()}


def _check(known: Mapping[str, object], language: str, where: str) -> None:
    """Refuse words of which a part is missing, unknown, or has other names in braces than the English one."""
    model = _shipped(ENGLISH)
    problems = [f"{name} is missing" for name in model if name not in known]
    problems += [f"{name} is unknown" for name in known if name not in model]
    for name, length in LISTS.items():
        if name in known and len(_as_list(known[name])) != length:
            problems.append(f"{name} needs {length} names")
    for name in (name for name in model if name in known and name not in LISTS):
        value = known[name]
        try:
            strange = _names_in(value) - _names_in(model[name]) if isinstance(value, str) else {"no text"}
        except ValueError as problem:
            strange = {str(problem)}
        if strange:
            problems.append(f"{name} cannot fill in {', '.join(sorted(strange))}")
    if problems:
        raise BadSettings(
            f'the words for messages in the language "{language}" ({where}) are not whole: {"; ".join(problems)}',
            cure="compare the file with en.yaml of the package",
        )


def _names_in(text: object) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(str(text)) if name is not None}


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
