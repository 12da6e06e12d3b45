"""Lets pydantic serialise any mapping, such as a read-only policy document, where it expects a dict."""

from __future__ import annotations

from typing import Any

# The type checker verifies our values; at run time, only mappings that are not dicts need this.
ANY_MAPPING: dict[str, Any] = {"fallback": dict, "warnings": False}
