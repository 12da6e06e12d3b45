"""Decides whether a request is allowed: moto ignores conditions, variables, session policies and SCPs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

_VARIABLE = re.compile(r"\$\{([\w:/.-]+)\}")


@dataclass(frozen=True)
class Asked:
    """One action on one resource, with the context keys that are present; absent keys are not in it."""

    action: str
    resource: str
    context: Mapping[str, str]


@dataclass(frozen=True)
class Rights:
    """The documents that bear on a caller. `levels` (boundary, session, SCPs) must each allow as well."""

    identity: Sequence[str]
    levels: Sequence[Sequence[str]] = ()


def is_allowed(asked: Asked, rights: Rights) -> bool:
    """Explicit Deny first, then an Allow in the identity's own policies and on every level."""
    groups = (rights.identity, *rights.levels)
    if any(_matching(asked, documents, "Deny") for documents in groups):
        return False
    return all(_matching(asked, documents, "Allow") for documents in groups)


def _matching(asked: Asked, documents: Iterable[str], effect: str) -> bool:
    return any(
        statement["Effect"] == effect and _applies(statement, asked)
        for document in documents
        for statement in _statements(document)
    )


@lru_cache(maxsize=2048)
def _statements(document: str) -> tuple[dict[str, Any], ...]:
    return tuple(_listed(json.loads(document)["Statement"]))


def _applies(statement: dict[str, Any], asked: Asked) -> bool:
    actions = _listed(statement.get("Action", statement.get("NotAction")))
    if _any_like(actions, asked.action, ignore_case=True) == ("NotAction" in statement):
        return False
    resources = [
        _filled(text, asked.context)
        for text in _listed(statement.get("Resource", statement.get("NotResource")))
    ]
    if _any_like(resources, asked.resource) == ("NotResource" in statement):
        return False
    # A condition that is not understood keeps an Allow from allowing, and lets a Deny deny.
    unsure = statement["Effect"] == "Deny"
    return all(
        _holds(
            operator, key, [_filled(str(value), asked.context) for value in _listed(values)], asked, unsure
        )
        for operator, block in statement.get("Condition", {}).items()
        for key, values in block.items()
    )


def _holds(operator: str, key: str, values: list[str], asked: Asked, unsure: bool) -> bool:  # noqa: FBT001 - the answer where nothing is known
    present = next((value for name, value in asked.context.items() if name.lower() == key.lower()), None)
    if operator == "Null":
        return (present is None) == (values[0].lower() == "true")
    base = operator.removesuffix("IfExists")
    negated = base in _NEGATED
    if present is None:
        return base != operator or negated
    test = _TESTS.get(_NEGATED.get(base, base))
    if test is None:
        return unsure
    return any(test(present, value) for value in values) != negated


def _like(text: str, pattern: str) -> bool:
    return _compiled(pattern, ignore_case=False).fullmatch(text) is not None


_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
}
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda present, value: present == value,
    "StringEqualsIgnoreCase": lambda present, value: present.lower() == value.lower(),
    "StringLike": _like,
    "ArnEquals": _like,  # in AWS the two behave alike
    "ArnLike": _like,
    "Bool": lambda present, value: present.lower() == value.lower(),
    "IpAddress": lambda present, value: ip_address(present) in ip_network(value, strict=False),
}


def _any_like(patterns: Iterable[str], text: str, *, ignore_case: bool = False) -> bool:
    return any(_compiled(pattern, ignore_case=ignore_case).fullmatch(text) for pattern in patterns)


@lru_cache(maxsize=8192)
def _compiled(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    expression = "".join(".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in pattern)
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _filled(text: str, context: Mapping[str, str]) -> str:
    """Put variables in; one that is not in the context stays as it stands, and so matches nothing."""
    return _VARIABLE.sub(lambda match: context.get(match[1], match[0]), text)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
