"""Checks a policy document without asking anybody: what IAM would refuse, and what it would swallow silently."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rollout.domain.iam import parse_document

# White space is not counted (aws-facts.md#quotas-and-rates).
MANAGED_POLICY_LIMIT = 6144
VERSION = "2012-10-17"
_SID = re.compile(r"[A-Za-z0-9]*")


def size(document: Mapping[str, Any]) -> int:
    """Count the characters that IAM counts against its limit: all but white space."""
    return len(re.sub(r"\s", "", json.dumps(document)))


def lint(document: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Say what is wrong with a document. `known` holds the actions of each service that can be looked up.

    IAM accepts actions that do not exist without a word (aws-facts.md#simulation-and-validation), so a typing error
    would never be noticed.
    """
    found = size(document)
    if found > MANAGED_POLICY_LIMIT:
        yield f"{found} characters, more than the {MANAGED_POLICY_LIMIT} that a managed policy may have"
    if document.get("Version") != VERSION:
        yield f"Version is {document.get('Version')!r}: ${{aws:username}} would be literal text"
    problem = parse_document(dict(document), "document").problem
    if problem:
        yield problem
        return
    statements = document["Statement"]
    counted = Counter(statement.get("Sid", "") for statement in statements)
    for sid, count in counted.items():
        if sid and count > 1:
            yield f"Sid {sid} stands {count} times"
        if not _SID.fullmatch(sid):
            yield f"Sid {sid} may hold letters and digits only"
    for statement in statements:
        yield from _unknown_actions(statement, known)


def _unknown_actions(statement: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    for element in ("Action", "NotAction"):
        actions = statement.get(element, [])
        for action in [actions] if isinstance(actions, str) else actions:
            service, _, name = str(action).partition(":")
            there = known.get(service.casefold())
            if there is not None and "*" not in name and name.casefold() not in there:
                yield f"{action}: there is no such action (statement {statement.get('Sid', '?')})"
