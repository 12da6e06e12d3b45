"""Policy documents as AWS hands them out: a mapping, or text that did not decode (AWS-FACTS §2)."""

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


def same_document(one: Mapping[str, object] | str, other: Mapping[str, object] | str) -> bool:
    """Tell whether two documents say the same; a scalar and a list of one are the same (DESIGN §5)."""
    return _normal(document_of(one)) == _normal(document_of(other))


def _normal(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _normal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(inner) for inner in value] if len(value) != 1 else _normal(value[0])
    return value
