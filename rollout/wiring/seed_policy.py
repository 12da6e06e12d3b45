"""Reads the seed policy of the package for the domain, which reads no files."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def seed() -> dict[str, Any]:
    """Return the seed policy unchanged."""
    text = files("rollout.domain.policy").joinpath("force-mfa-policy.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
