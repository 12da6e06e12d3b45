"""What `rollout init` writes: a commented file to start from, and the JSON Schema that editors check it with."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from rollout.settings.models import RolloutFile

SCHEMA_FILE_NAME = "rollout.schema.json"


def starter_text() -> str:
    """Give the starter `rollout.yaml`; its first line names the schema, which is expected beside it."""
    return files("rollout.settings").joinpath("starter.yaml").read_text(encoding="utf-8")


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of `rollout.yaml`."""
    schema = RolloutFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "rollout.yaml"}
