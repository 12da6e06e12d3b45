"""Checks a policy document offline for what IAM would refuse, and for mistakes that it would accept."""

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
    """List what is wrong with a document. `known` holds the actions of each service, in lower case.

    IAM accepts actions that do not exist (aws-facts.md#simulation-and-validation), so it does not report typing errors.
    """
    found = size(document)
    if found > MANAGED_POLICY_LIMIT:
        yield f"{found} characters, but a managed policy may have at most {MANAGED_POLICY_LIMIT}"
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
            yield f"Sid {sid} may contain only letters and digits"
    for statement in statements:
        yield from _unknown_actions(statement, known)


def _unknown_actions(statement: Mapping[str, Any], known: Mapping[str, Collection[str]]) -> Iterator[str]:
    for element in ("Action", "NotAction"):
        actions = statement.get(element, [])
        for action in [actions] if isinstance(actions, str) else actions:
            service, _, name = str(action).partition(":")
            actions_of_service = known.get(service.casefold())
            if (
                actions_of_service is not None
                and "*" not in name
                and name.casefold() not in actions_of_service
            ):
                yield f"{action} does not exist (statement {statement.get('Sid', '?')})"
