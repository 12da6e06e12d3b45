"""What `rollout init` writes: a commented file to start from."""

from __future__ import annotations

from importlib.resources import files


def starter_text() -> str:
    """Give the starter `rollout.yaml`; its first line names the schema, which is expected beside it."""
    return files("rollout.settings").joinpath("starter.yaml").read_text(encoding="utf-8")
