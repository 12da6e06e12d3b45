"""Provides the commented settings file that `rollout init` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from textwrap import wrap
from typing import Any

import yaml

from rollout.domain.gates import GATES
from rollout.settings.channel_fields import starter_lines
from rollout.settings.models import GatesSection

WIDEST = 120


def starter_text() -> str:
    """Return the starter `rollout.yaml`; its first line names the schema file, which belongs in the same folder."""
    text = files("rollout.settings").joinpath("starter.yaml").read_text(encoding="utf-8")
    text = text.replace("  # CHANNELS\n", "".join(f"  {line}\n" for line in starter_lines()))
    return re.sub(r"^gates: .*$", "\n".join(_gates()), text, flags=re.MULTILINE)


def _gates() -> Iterator[str]:
    yield "gates:"
    defaults = GatesSection().model_dump(mode="json")
    started = {gate.name: gate.setting for gate in GATES if gate.setting and gate.setting.starter is not None}
    for name, field in GatesSection.model_fields.items():
        value, why = defaults[name], ""
        if name in started:
            value, why = started[name].starter, started[name].why
        line = f"  {name}: {_written(value)}"
        meaning = " ".join(filter(None, ((field.description or "").replace("`", ""), why)))
        if len(beside := f"{line} # {meaning}") <= WIDEST:
            yield beside
        else:
            yield from wrap(meaning, WIDEST, initial_indent="  # ", subsequent_indent="  # ")
            yield line


def _written(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("...\n").strip()
