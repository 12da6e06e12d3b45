"""Answers one line of `rollout policy simulate`: the evaluator for a person or a script, offline."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeGuard

from rollout.domain.iam import (
    Context,
    Deciding,
    Document,
    ImplicitlyDenied,
    Policies,
    Request,
    Undecided,
    evaluate,
    parse_document,
)


class BadQuery(ValueError):
    """An invalid query. The message says what is wrong; the caller adds the line number."""


def answer(line: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one query.

    `line` is `{"id", "policies": [document…], "boundary": document?, "scps": [[document…] per level]?, "session":
    document?, "request": {"action", "resource", "principal", "context": {key: value or list}?, "unknown": [key…]?}}`.
    The answer is `{"id", "decision", "because": [{"document", "kind", "sid", "index", "effect", "statement"}…]}`;
    documents are named by their position ("policies[0]"). `Undecided` adds the `unknown` keys and the `possible`
    decisions, `ImplicitlyDenied` the `silent` layers. Raises `BadQuery`.
    """
    policies, request, documents = _read(line)
    decision = evaluate(policies, request)
    result: dict[str, Any] = {
        "id": line.get("id"),
        "decision": type(decision).__name__,
        "because": [_reason(deciding, documents[deciding.document]) for deciding in decision.because],
    }
    if isinstance(decision, Undecided):
        result |= {"unknown": list(decision.unknown), "possible": list(decision.possible)}
    if isinstance(decision, ImplicitlyDenied):
        result["silent"] = [layer.name for layer in decision.silent]
    return result


def _reason(deciding: Deciding, document: Document) -> dict[str, Any]:
    return {
        "document": deciding.document,
        "kind": deciding.kind,
        "sid": deciding.sid,
        "index": deciding.index,
        "effect": deciding.effect,
        "statement": document.statements[deciding.index].source,
    }


def _read(line: object) -> tuple[Policies, Request, dict[str, Document]]:
    if not isinstance(line, Mapping):
        raise BadQuery("a query is a JSON object")
    documents: dict[str, Document] = {}

    def document(raw: object, place: str) -> Document:
        documents[place] = _parsed(raw).named(place)
        return documents[place]

    def optional(name: str) -> Document | None:
        return None if line.get(name) is None else document(line[name], name)

    policies = Policies(
        identity=tuple(
            document(raw, f"policies[{place}]") for place, raw in enumerate(_listed(line, "policies", "line"))
        ),
        boundary=optional("boundary"),
        scps=tuple(
            tuple(document(raw, f"scps[{depth}][{place}]") for place, raw in enumerate(level))
            for depth, level in enumerate(_levels(line.get("scps")))
        ),
        session=optional("session"),
    )
    return policies, _request(line.get("request")), documents


def _request(request: object) -> Request:
    if not isinstance(request, Mapping):
        raise BadQuery('"request" is missing or not an object')
    action, resource, principal = (_text(request, name) for name in ("action", "resource", "principal"))
    given = {} if request.get("context") is None else request["context"]
    if not isinstance(given, Mapping):
        raise BadQuery('"context" of the request is not an object')
    values = {key: value for key, value in given.items() if value is not None}
    for key, value in values.items():
        if not all(
            isinstance(one, str | bool | int | float) for one in (value if _is_list(value) else [value])
        ):
            raise BadQuery(f"context key {key!r} is neither a value nor a list of values")
    unknown = _listed(request, "unknown", "request") if request.get("unknown") is not None else ()
    if not all(isinstance(key, str) for key in unknown):
        raise BadQuery('"unknown" of the request is not a list of context keys')
    return Request(action, resource, principal, Context(values, unknown))


def _levels(scps: object) -> list[Sequence[object]]:
    if scps is None:
        return []
    if not _is_list(scps) or not all(_is_list(level) for level in scps):
        raise BadQuery('"scps" is not a list of lists (one list of documents per level)')
    return list(scps)


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise BadQuery(f'"{name}" of the request is missing or not a string')
    return value


def _listed(holder: Mapping[str, Any], name: str, where: str) -> Sequence[Any]:
    value = holder.get(name)
    if not _is_list(value):
        raise BadQuery(f'"{name}" of the {where} is missing or not a list')
    return value


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple)


def _parsed(raw: object) -> Document:
    try:
        return _parsed_text(raw if isinstance(raw, str) else json.dumps(raw, sort_keys=True))
    except (TypeError, ValueError, RecursionError) as problem:
        raise BadQuery(f"a document is not JSON: {problem}") from None


@lru_cache(maxsize=4096)
def _parsed_text(text: str) -> Document:
    """Parse each distinct document once."""
    return parse_document(text, "")
