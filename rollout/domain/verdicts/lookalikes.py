"""Finds policies that look like MFA enforcement but are not, by their statements, never by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.domain.iam import Document, Statement
from rollout.domain.people.observations import Finding
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.requests import ENROLMENT, PROBED
from rollout.domain.verdicts.rights import short
from rollout.domain.verdicts.verdict import Kind, Verdict

MFA_KEY = "aws:multifactorauthpresent"


def lookalikes(account: JudgedAccount, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
    """Report each document that tests for MFA, but does not enforce it on the users it applies to.

    `verdicts` is by UserId. There is one finding per document and account, with the users concerned.
    """
    users_by_document: dict[Document, list[str]] = {}
    for user in account.facts.users:
        if verdicts[user.id].kind is Kind.COVERED:
            continue
        for document in account.rights_without_us(user).identity:
            if weakness(document):
                users_by_document.setdefault(document, []).append(user.name)
    for document, names in users_by_document.items():
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        text = f'"{short(document.name)}" {weakness(document)} (on {some})'
        yield Finding("look-alike", text, account.account.id)


def weakness(document: Document) -> str:
    """Say why a document that tests for MFA does not enforce it; empty if it enforces MFA or does not test for it."""
    denials = [_weakness(statement) for statement in document.statements if statement.effect == "Deny"]
    found = [text for text in denials if text is not None]
    return "" if not found or "" in found else found[0]


def _weakness(statement: Statement) -> str | None:
    """Return what is wrong with a statement; empty if it is sound, None if it does not test for MFA."""
    source = statement.source
    tests = dict(_tests(source))
    about_mfa = {operator: keys[MFA_KEY] for operator, keys in tests.items() if MFA_KEY in keys}
    if not about_mfa:
        return None
    further = {key for keys in tests.values() for key in keys} - {MFA_KEY, "aws:viaawsservice"}
    return (
        _wrong_test(about_mfa)
        or _wrong_actions(statement)
        or ("applies to some resources only" if not statement.resources.everything else "")
        or (f"denies only if further conditions hold: {', '.join(sorted(further))}" if further else "")
    )


def _wrong_test(about_mfa: Mapping[str, tuple[str, ...]]) -> str:
    for operator, values in about_mfa.items():
        kind = operator.rpartition(":")[2]
        if kind.casefold() == "null":
            return "only tests whether the MFA key exists, so console sessions without MFA are not denied"
        negated = "not" in kind.casefold()
        if {value.casefold() for value in values} == {"false" if negated else "true"}:
            return "denies only users who signed in with MFA"
        if not negated and not kind.casefold().endswith("ifexists"):
            return f"uses {kind}, so access keys are not denied: their requests carry no MFA key"
    return ""


def _wrong_actions(statement: Statement) -> str:
    if "Action" in statement.source:
        named = {action.casefold() for action in _texts(statement.source["Action"])}
        if any(action.casefold() in named for action in ENROLMENT):
            return "is inverted: it denies only what enrolment needs"
        return "" if named & {"*", "*:*"} else "applies to some actions only"
    open_to_all = [action for action in PROBED if not statement.actions.cover(action.lower())]
    return f"does not deny {', '.join(open_to_all)}" if open_to_all else ""


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
