"""Decodes policy documents, which AWS returns in several forms (aws-facts.md#inventory-calls)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import unquote


def document_of(raw: object) -> Mapping[str, object] | str:
    """Return a mapping as it is, decode text (URL-encoded or not), and return any other text unchanged."""
    if isinstance(raw, Mapping):
        return raw
    text = str(raw)
    try:
        decoded = json.loads(unquote(text) if text.lstrip().startswith("%7B") else text)
    except ValueError:
        return text
    return decoded if isinstance(decoded, dict) else text
