"""Checks a policy document offline, for errors that IAM would reject and for errors that it would silently accept."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rollout.domain.iam import parse_document

# White space does not count (aws-facts.md#quotas-and-rates).
MANAGED_POLICY_LIMIT = 6144
VERSION = "2012-10-17"
_SID = re.compile(r"[A-Za-z0-9]*")


def size(document: Mapping[str, Any]) -> int:
    """Count the characters that count towards IAM's limit: all except white space."""
    return len(re.sub(r"\s", "", json.dumps(document)))


def lint(document: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Yield the problems of a document, one sentence each. `known` maps service prefixes to their actions.

    IAM silently accepts actions that do not exist (aws-facts.md#simulation-and-validation), so a typing error would
    never be noticed.
    """
    found = size(document)
    if found > MANAGED_POLICY_LIMIT:
        yield f"the document has {found} characters, but a managed policy may have {MANAGED_POLICY_LIMIT}"
    if document.get("Version") != VERSION:
        yield f"Version is {document.get('Version')!r}, so ${{aws:username}} would be literal text"
    problem = parse_document(dict(document), "document").problem
    if problem:
        yield problem
        return
    statements = document["Statement"]
    counted = Counter(statement.get("Sid", "") for statement in statements)
    for sid, count in counted.items():
        if sid and count > 1:
            yield f"Sid {sid} occurs {count} times"
        if not _SID.fullmatch(sid):
            yield f"Sid {sid} may only contain letters and digits"
    for statement in statements:
        yield from _unknown_actions(statement, known)


def _unknown_actions(statement: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    for element in ("Action", "NotAction"):
        actions = statement.get(element, [])
        for action in [actions] if isinstance(actions, str) else actions:
            service, _, name = str(action).partition(":")
            there = known.get(service.casefold())
            if there is not None and "*" not in name and name.casefold() not in there:
                yield f"{action}: this action does not exist (statement {statement.get('Sid', '?')})"
