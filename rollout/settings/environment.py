"""Reads settings from the environment, such as `ROLLOUT_GATES__LEAD_TIME=7d`; a misspelt name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rollout.settings.keys import PREFIX, Known, known_keys, nearest_variable
from rollout.settings.problems import Problem, Source, Spot
from rollout.settings.reading import ParsedSource, Value, read_yaml

CONFIG = "ROLLOUT_CONFIG"


def read_environment(environment: Mapping[str, str], folder: Path) -> list[ParsedSource]:
    """Read every `ROLLOUT_*` variable, sections before their keys; an empty variable counts as not set."""
    readings: list[ParsedSource] = []
    variables = {known.variable: known for known in known_keys()}
    names = sorted(name for name in environment if name.startswith(PREFIX) and name != CONFIG)
    for name in sorted(names, key=lambda name: name.count("__")):
        source = Source(name, folder)
        known = variables.get(name)
        if known is None:
            hint = nearest_variable(name)
            sentence = f"no setting uses this variable; {hint}" if hint else "no setting uses this variable"
            readings.append(ParsedSource(problems=[Problem(Spot(source), (), sentence)]))
        elif environment[name].strip():
            readings.append(_read(known, environment[name], source))
    return readings


def _read(known: Known, text: str, source: Source) -> ParsedSource:
    inner = read_yaml(text, source)
    value = inner.value
    if known.is_text and not _fits(value, inner):
        inner, value = ParsedSource(), text
    return ParsedSource(
        value=_nested(known.key, value),
        keys={(*known.key, *key): _whole(source, spot) for key, spot in inner.keys.items()},
        spots={known.key: Spot(source, text=text)}
        | {(*known.key, *key): _whole(source, spot) for key, spot in inner.spots.items()},
        problems=[
            Problem(Spot(source), (*known.key, *problem.key), problem.sentence) for problem in inner.problems
        ],
    )


def _fits(value: Value, reading: ParsedSource) -> bool:
    """Tell whether to use the YAML value (a text without quotes, null) instead of the raw text of the variable."""
    return (value is None or isinstance(value, str)) and not reading.problems


def _whole(source: Source, spot: Spot) -> Spot:
    """Drop the line number, which means nothing within a variable."""
    return Spot(source, text=spot.text)


def _nested(key: tuple[str, ...], value: Value) -> Value:
    for name in reversed(key):
        value = {name: value}
    return value
