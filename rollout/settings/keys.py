"""Lists the known keys, for the names of `ROLLOUT_*` variables and for "did you mean" hints."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel

from rollout.settings.models import RolloutFile
from rollout.settings.problems import Key, key_text

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PREFIX = "ROLLOUT_"


@dataclass(frozen=True, slots=True)
class Known:
    """One key that has a `ROLLOUT_*` variable: every key except those inside lists and free mappings."""

    key: tuple[str, ...]
    field: FieldInfo

    @property
    def name(self) -> str:
        """The dotted name, as used in messages and flags."""
        return key_text(self.key)

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        return PREFIX + "__".join(self.key).upper()

    @property
    def section(self) -> type[BaseModel] | None:
        """The model of a section; None for a value."""
        return _section(self.field.annotation)

    @property
    def is_text(self) -> bool:
        """Whether the variable's raw text can be the value."""
        return not {str, Path}.isdisjoint(_alternatives(self.field.annotation))

    @property
    def empty_means_default(self) -> bool:
        """Whether an empty section or list means the default, because the default is empty too.

        Not for a section that may be written as one value: that has to be written.
        """
        if self.section is not None:
            return not self.field.metadata
        return self.field.get_default() in ((), {})


@cache
def known_keys() -> tuple[Known, ...]:
    """List every key that has a variable, sections before their keys."""
    return tuple(_walk(RolloutFile, ()))


def nearest(key: Key) -> str:
    """Suggest the known key that an unknown one may stand for, as a hint; "" when none is similar."""
    name, parent = str(key[-1]), _model_at(key[:-1])
    siblings = list(parent.model_fields) if parent else []
    if close := get_close_matches(name.lower(), siblings, n=1):
        return f"did you mean {close[0]}?"
    if elsewhere := [known.name for known in known_keys() if known.key[-1] == name]:
        return f"did you mean {elsewhere[0]}?"
    everything = {known.key[-1]: known.name for known in reversed(known_keys())}
    if close := get_close_matches(name.lower(), everything, n=1, cutoff=0.8):
        return f"did you mean {everything[close[0]]}?"
    return f"the keys here are: {', '.join(siblings)}" if siblings else ""


def nearest_variable(name: str) -> str:
    """Suggest the variable that an unknown one may stand for, as a hint; "" when none is similar."""
    for known in known_keys():
        if known.section is None and name.startswith(f"{known.variable}__"):
            return f"set all of {known.name} with {known.variable}"
    bare = [known.variable.removeprefix(PREFIX) for known in known_keys()]
    close = get_close_matches(name.removeprefix(PREFIX).upper(), bare, n=1, cutoff=0.5)
    return f"did you mean {PREFIX}{close[0]}?" if close else ""


def _walk(model: type[BaseModel], key: tuple[str, ...]) -> Iterator[Known]:
    for name, field in model.model_fields.items():
        known = Known((*key, name), field)
        yield known
        if known.section:
            yield from _walk(known.section, known.key)


def _section(annotation: Any) -> type[BaseModel] | None:
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None


def _model_at(key: Key) -> type[BaseModel] | None:
    """Find the model whose keys are below `key`, looking into lists and free mappings too."""
    annotation: Any = RolloutFile
    for part in key:
        model = _section(annotation)
        if model is not None:
            if part not in model.model_fields:
                return None
            annotation = model.model_fields[str(part)].annotation
        else:
            inner = [item for item in _parts(annotation) if _section(item)]
            if not inner:
                return None
            annotation = inner[0]
    return _section(annotation)


def _alternatives(annotation: Any) -> list[Any]:
    """Unpack `X | None` and `Annotated`, and nothing else."""
    if typing.get_origin(annotation) is Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [inner for part in typing.get_args(annotation) for inner in _alternatives(part)]
    return [annotation]


def _parts(annotation: Any) -> list[Any]:
    """Unpack an annotation completely: `tuple[Wave, ...]` contains Wave."""
    parts = typing.get_args(annotation)
    return [inner for part in parts for inner in _parts(part)] if parts else [annotation]
