"""Lets pydantic write any mapping, such as the read-only view of a policy document, where it expects a dict."""

from __future__ import annotations

from typing import Any

# Our values are typed, and the type checker sees to it; at run time only mappings that are no dicts need help.
ANY_MAPPING: dict[str, Any] = {"fallback": dict, "warnings": False}
