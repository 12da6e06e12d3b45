"""Decides whether a request is allowed, since moto ignores conditions, variables, session policies and SCPs."""

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
class AuthorizationRequest:
    """One action on one resource, with the context keys that are present."""

    action: str
    resource: str
    context: Mapping[str, str]


@dataclass(frozen=True)
class CallerPolicies:
    """The policies that apply to a caller. Each of `levels` (boundary, session, SCPs) must allow a request too."""

    identity: Sequence[str]
    levels: Sequence[Sequence[str]] = ()


def is_allowed(asked: AuthorizationRequest, rights: CallerPolicies) -> bool:
    """Tell whether no document denies the request, and the identity policies and every level allow it."""
    groups = (rights.identity, *rights.levels)
    if any(_matching(asked, documents, "Deny") for documents in groups):
        return False
    return all(_matching(asked, documents, "Allow") for documents in groups)


def _matching(asked: AuthorizationRequest, documents: Iterable[str], effect: str) -> bool:
    return any(
        statement["Effect"] == effect and _applies(statement, asked)
        for document in documents
        for statement in _statements(document)
    )


@lru_cache(maxsize=2048)
def _statements(document: str) -> tuple[dict[str, Any], ...]:
    return tuple(_listed(json.loads(document)["Statement"]))


def _applies(statement: dict[str, Any], asked: AuthorizationRequest) -> bool:
    actions = _listed(statement.get("Action", statement.get("NotAction")))
    if _any_like(actions, asked.action, ignore_case=True) == ("NotAction" in statement):
        return False
    resources = [
        _filled(text, asked.context)
        for text in _listed(statement.get("Resource", statement.get("NotResource")))
    ]
    if _any_like(resources, asked.resource) == ("NotResource" in statement):
        return False
    # Evaluate unsupported conditions strictly: an Allow does not apply, but a Deny does.
    unsure = statement["Effect"] == "Deny"
    return all(
        _holds(
            operator, key, [_filled(str(value), asked.context) for value in _listed(values)], asked, unsure
        )
        for operator, block in statement.get("Condition", {}).items()
        for key, values in block.items()
    )


def _holds(operator: str, key: str, values: list[str], asked: AuthorizationRequest, unsure: bool) -> bool:  # noqa: FBT001 - the result if nothing is known
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
    "ArnEquals": _like,  # AWS treats the two the same
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
    """Replace the variables; one that is not in the context remains as written, and so matches nothing."""
    return _VARIABLE.sub(lambda match: context.get(match[1], match[0]), text)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
