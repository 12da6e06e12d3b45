"""What `rollout init` writes: a commented file to start from."""

from __future__ import annotations

from importlib.resources import files

from rollout.settings.channel_fields import starter_lines


def starter_text() -> str:
    """Give the starter `rollout.yaml`; its first line names the schema, which is expected beside it."""
    text = files("rollout.settings").joinpath("starter.yaml").read_text(encoding="utf-8")
    return text.replace("  # CHANNELS\n", "".join(f"  {line}\n" for line in starter_lines()))
