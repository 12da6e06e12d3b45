"""Generates the JSON Schema of `rollout.yaml`, which lets editors complete and check the file."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from rollout.settings.durations import duration_text
from rollout.settings.models import RolloutFile

if TYPE_CHECKING:
    from pydantic_core import core_schema

SCHEMA_FILE_NAME = "rollout.schema.json"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `rollout.yaml`, without the rules that span several keys."""
    schema = _without_idle_defaults(RolloutFile.model_json_schema(schema_generator=_Generator))
    return {"$schema": _Generator.schema_dialect, **schema, "title": "rollout.yaml"}


def _without_idle_defaults(schema: Any) -> Any:
    """Leave out defaults that an editor should not insert: those of whole sections, and null."""
    if isinstance(schema, list):
        return [_without_idle_defaults(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    idle = (
        any("$ref" in part for part in (schema, *schema.get("anyOf", ())))
        or schema.get("default", 0) is None
        or ("minItems" in schema and not schema.get("default"))
    )
    return {
        name: _without_idle_defaults(part) for name, part in schema.items() if name != "default" or not idle
    }


class _Generator(GenerateJsonSchema):
    """Writes defaults as they appear in the file, and leaves out titles that only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def encode_default(self, dft: Any) -> Any:
        match dft:
            case timedelta():
                return duration_text(dft)
            case float() if dft.is_integer():
                return int(dft)
            case tuple():
                return [self.encode_default(item) for item in dft]
            case BaseModel():
                return {
                    name: self.encode_default(value)
                    for name, value in dft
                    if value is not None and value != ()
                }
            case _:
                return super().encode_default(dft)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Reject keys that do not match the pattern; by default, pydantic only describes those that do."""
        written = super().dict_schema(schema)
        return {**written, "additionalProperties": False} if "patternProperties" in written else written
