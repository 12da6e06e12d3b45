"""Reads the seed policy that ships with the package; the domain amends it and knows no files."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def seed() -> dict[str, Any]:
    """Read the seed, verbatim."""
    text = files("rollout.domain.policy").joinpath("force-mfa-policy.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
