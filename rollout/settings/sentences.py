"""Translates each of pydantic's errors into one plain sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rollout.settings.fields import shown
from rollout.settings.keys import nearest
from rollout.settings.problems import Key, is_never_shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SIMPLE = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "model_type": "must be a mapping",
    "finite_number": "must be a finite number",
}

_LIMITS = {
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
}


NOT_SHOWN = (
    "must be text in quotes: 2 or more letters, digits or any of _+=,.@:/- (the value is not shown here)"
)


def key_of(error: ErrorDetails) -> Key:
    """Return the key path of an error, without the markers that pydantic adds to it."""
    return tuple(part for part in error["loc"] if part != "[key]")


def sentence_of(error: ErrorDetails, key: Key, text: str | None) -> str:
    """Describe the error; `text` is the value as it was written."""
    kind, value = error["type"], error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(key)
    if kind == "missing":
        return "is missing"
    if value is None:
        return "has no value"
    if is_never_shown(key):
        return NOT_SHOWN
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_type":
        return f"must be text{_quoted(value, text)}"
    if kind == "literal_error":
        return _choice(str(context["expected"]), _written(value, text))
    if kind in _LIMITS:
        return f"{_LIMITS[kind].format(**context)}, not {_written(value, text)}"
    if kind in _SIMPLE:
        return f"{_SIMPLE[kind]}, not {_written(value, text)}"
    return f"{error['msg']}, not {_written(value, text)}"


def _unknown(key: Key) -> str:
    hint = nearest(key)
    return f"unknown key; {hint}" if hint else "unknown key"


def _choice(expected: str, written: str) -> str:
    choices = expected.replace("'", "").replace("True", "true")
    only = "" if " or " in choices else ", the only value in this version"
    return f"must be {choices}, not {written}{only}"


def _quoted(value: object, text: str | None) -> str:
    if isinstance(value, dict | list):
        return f", not a {'mapping' if isinstance(value, dict) else 'list'}"
    return f'; write it in quotes: "{text if text is not None else value}"'


def _written(value: object, text: str | None) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return shown(value) if isinstance(value, str) or text is None else text
