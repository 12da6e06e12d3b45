"""Finds policies that look like MFA enforcement and are not: by what they say, never by what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.domain.iam import Document, Statement
from rollout.domain.people.inventory import Finding
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.requests import ENROLMENT, PROBED
from rollout.domain.verdicts.rights import short
from rollout.domain.verdicts.verdict import Kind, Verdict

MFA_KEY = "aws:multifactorauthpresent"


def lookalikes(account: JudgedAccount, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
    """Name each document that denies something without MFA and does not cover those who have it.

    `verdicts` by UserId. Said once per document and account, with how many users it misleads about.
    """
    misled: dict[Document, list[str]] = {}
    for user in account.facts.users:
        if verdicts[user.id].kind is Kind.COVERED:
            continue
        for document in account.rights_without_us(user).identity:
            if weakness(document):
                misled.setdefault(document, []).append(user.name)
    for document, names in misled.items():
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        text = f'"{short(document.name)}" {weakness(document)} (on {some})'
        yield Finding("look-alike", text, account.account.id)


def weakness(document: Document) -> str:
    """Say why a document that tests for MFA does not enforce it; empty when it does not look like enforcement."""
    said = [_weakness(statement) for statement in document.statements if statement.effect == "Deny"]
    found = [text for text in said if text is not None]
    return "" if not found or "" in found else found[0]


def _weakness(statement: Statement) -> str | None:
    """Return None when the statement does not test for MFA, empty when it is sound, else what is wrong."""
    source = statement.source
    tests = dict(_tests(source))
    about_mfa = {operator: keys[MFA_KEY] for operator, keys in tests.items() if MFA_KEY in keys}
    if not about_mfa:
        return None
    further = {key for keys in tests.values() for key in keys} - {MFA_KEY, "aws:viaawsservice"}
    return (
        _wrong_test(about_mfa)
        or _wrong_actions(statement)
        or ("covers only some resources" if not statement.resources.everything else "")
        or (f"asks for more than missing MFA: {', '.join(sorted(further))}" if further else "")
    )


def _wrong_test(about_mfa: Mapping[str, tuple[str, ...]]) -> str:
    for operator, values in about_mfa.items():
        kind = operator.rpartition(":")[2]
        if kind.casefold() == "null":
            return "tests only whether the MFA flag is there: a console session without MFA passes"
        negated = "not" in kind.casefold()
        if {value.casefold() for value in values} == {"false" if negated else "true"}:
            return "denies those who have MFA, and nobody else"
        if not negated and not kind.casefold().endswith("ifexists"):
            return f"uses {kind}: access keys pass, for their requests carry no MFA flag"
    return ""


def _wrong_actions(statement: Statement) -> str:
    if "Action" in statement.source:
        named = {action.casefold() for action in _texts(statement.source["Action"])}
        if any(action.casefold() in named for action in ENROLMENT):
            return "is inverted: it denies enrolment and nothing else"
        return "" if named & {"*", "*:*"} else "covers only a few actions"
    open_to_all = [action for action in PROBED if not statement.actions.cover(action.lower())]
    return f"leaves {', '.join(open_to_all)} open" if open_to_all else ""


def _tests(source: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    for operator, tests in dict(source.get("Condition") or {}).items():
        yield operator, {key.casefold(): _texts(values) for key, values in tests.items()}


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(_text(item) for item in value)
    return (_text(value),)


def _text(value: object) -> str:
    # JSON's false is "false" to IAM.
    return str(value).lower() if isinstance(value, bool) else str(value)
