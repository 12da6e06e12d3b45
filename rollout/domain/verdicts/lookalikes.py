"""Finds policies that look like MFA enforcement and are not: by what they say, never by what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.domain.iam import Document
from rollout.domain.inventory import Finding
from rollout.domain.verdicts.requests import ENROLMENT
from rollout.domain.verdicts.rights import rights_of, short
from rollout.domain.verdicts.surroundings import Surroundings
from rollout.domain.verdicts.verdict import Kind, Verdict

MFA_KEY = "aws:multifactorauthpresent"


def lookalikes(account: Surroundings, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
    """Name each document that denies something without MFA and does not cover those who have it.

    `verdicts` by UserId. Said once per document and account, with how many users it misleads about.
    """
    misled: dict[Document, list[str]] = {}
    for user in account.observed.facts.users:
        if verdicts[user.id].kind is Kind.COVERED:
            continue
        for document in rights_of(user, account.observed, account.library, account.without).identity:
            if weakness(document):
                misled.setdefault(document, []).append(user.name)
    for document, names in misled.items():
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        text = f'"{short(document.name)}" {weakness(document)} (on {some})'
        yield Finding("look-alike", text, account.observed.account.id)


def weakness(document: Document) -> str:
    """Say why a document that tests for MFA does not enforce it; empty when it does not look like enforcement."""
    said = [_weakness(statement.source) for statement in document.statements if statement.effect == "Deny"]
    found = [text for text in said if text is not None]
    return "" if not found or "" in found else found[0]


def _weakness(statement: Mapping[str, Any]) -> str | None:
    """Return None when the statement does not test for MFA, empty when it is sound, else what is wrong."""
    operators = [
        operator.casefold()
        for operator, tests in dict(statement.get("Condition") or {}).items()
        if any(key.casefold() == MFA_KEY for key in tests)
    ]
    if not operators:
        return None
    if "bool" in operators:
        return "uses Bool: access keys pass, for their requests carry no MFA flag"
    if "null" in operators:
        return "tests only whether the MFA flag is there: a console session without MFA passes"
    actions = _texts(statement.get("Action"))
    if actions:
        listed = {action.casefold() for action in actions}
        if any(action.casefold() in listed for action in ENROLMENT):
            return "is inverted: it denies enrolment and nothing else"
        if not any(action in ("*", "*:*") for action in actions):
            return "covers only a few actions"
    return ""


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
