"""`ROLLOUT_GATES__LEAD_TIME=7d`: every key can be set from the environment, and a misspelt name is an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rollout.settings.keys import PREFIX, Known, known_keys, nearest_variable
from rollout.settings.problems import Problem, Source, Spot
from rollout.settings.reading import Reading, Value, read_yaml

CONFIG = "ROLLOUT_CONFIG"


def read_environment(environment: Mapping[str, str], folder: Path) -> list[Reading]:
    """Read every `ROLLOUT_*` variable; an empty one counts as not set, a section's goes before its keys'."""
    readings: list[Reading] = []
    variables = {known.variable: known for known in known_keys()}
    names = sorted(name for name in environment if name.startswith(PREFIX) and name != CONFIG)
    for name in sorted(names, key=lambda name: name.count("__")):
        source = Source(name, folder)
        known = variables.get(name)
        if known is None:
            hint = nearest_variable(name)
            sentence = f"no setting has this variable; {hint}" if hint else "no setting has this variable"
            readings.append(Reading(problems=[Problem(Spot(source), (), sentence)]))
        elif environment[name].strip():
            readings.append(_read(known, environment[name], source))
    return readings


def _read(known: Known, text: str, source: Source) -> Reading:
    inner = read_yaml(text, source)
    value = inner.value
    if known.is_text and not _fits(value, inner):
        inner, value = Reading(), text
    return Reading(
        value=_nested(known.key, value),
        keys={(*known.key, *key): _whole(source, spot) for key, spot in inner.keys.items()},
        spots={known.key: Spot(source, text=text)}
        | {(*known.key, *key): _whole(source, spot) for key, spot in inner.spots.items()},
        problems=[
            Problem(Spot(source), (*known.key, *problem.key), problem.sentence) for problem in inner.problems
        ],
    )


def _fits(value: Value, reading: Reading) -> bool:
    """A quoted text is taken without its quotes and `null` is null; what YAML cannot read is text as it stands."""
    return (value is None or isinstance(value, str)) and not reading.problems


def _whole(source: Source, spot: Spot) -> Spot:
    """A line within a variable helps nobody."""
    return Spot(source, text=spot.text)


def _nested(key: tuple[str, ...], value: Value) -> Value:
    for name in reversed(key):
        value = {name: value}
    return value
