"""Turns the rows of the channels into fields of the section `notify`, and into lines of the starter file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from rollout.domain.progress.channels import CHANNELS, ChannelKey, KeyKind
from rollout.settings.fields import LocalPath, Text
from rollout.settings.places import SecretPlaceSetting

_TYPES: dict[KeyKind, Any] = {
    KeyKind.FOLDER: LocalPath,
    KeyKind.FLAG: bool,
    KeyKind.TEXT: Text,
    KeyKind.NUMBER: Annotated[int, Field(ge=1, le=65535)],
    KeyKind.SECRET: SecretPlaceSetting,
}


def channel_fields() -> dict[str, Any]:
    """Give the type and the default of `channel` and of every channel's keys, as pydantic takes them."""
    names = tuple(channel.name for channel in CHANNELS)
    fields: dict[str, Any] = {
        "channel": (Literal[names], Field(names[0], description=" ".join(_meanings()))),
    }
    for key in (key for channel in CHANNELS for key in channel.keys):
        default = Path(key.default_text) if key.kind is KeyKind.FOLDER else key.default
        fields[key.name] = (_type(key), Field(default, description=key.meaning))
    return fields


def _type(key: ChannelKey) -> Any:
    plain = Literal[key.choices] if key.kind is KeyKind.CHOICE else _TYPES[key.kind]
    return plain | None if key.default is None else plain


def starter_lines() -> Iterator[str]:
    """Give the lines of the starter file, inside `notify`."""
    yield f"channel: {CHANNELS[0].name} # {' '.join(_meanings()).removesuffix('.')}"
    for key in (key for channel in CHANNELS for key in channel.keys):
        yield f"{key.name}: {key.default_text} # {key.meaning.removesuffix('.')}"


def _meanings() -> Iterator[str]:
    return (f"{channel.name}: {channel.meaning}" for channel in CHANNELS)
