"""Policy documents as AWS hands them out: a mapping, or text that did not decode (aws-facts.md#inventory-calls)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import unquote


def document_of(raw: object) -> Mapping[str, object] | str:
    """Keep a mapping as it is; decode text, URL-encoded or not; leave text that is no JSON object alone."""
    if isinstance(raw, Mapping):
        return raw
    text = str(raw)
    try:
        decoded = json.loads(unquote(text) if text.lstrip().startswith("%7B") else text)
    except ValueError:
        return text
    return decoded if isinstance(decoded, dict) else text
