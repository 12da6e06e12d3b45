"""Provides the commented settings file that `rollout init` writes."""

from __future__ import annotations

from importlib.resources import files


def starter_text() -> str:
    """Return the starter `rollout.yaml`; its first line names the schema file, which belongs in the same folder."""
    return files("rollout.settings").joinpath("starter.yaml").read_text(encoding="utf-8")
