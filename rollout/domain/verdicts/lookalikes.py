"""Finds policies that look like MFA enforcement but are not, by their statements, never by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rollout.domain.iam import Document, Statement, beyond, left_open
from rollout.domain.people.observations import Finding
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.requests import ENROLMENT, PROBED
from rollout.domain.verdicts.rights import short
from rollout.domain.verdicts.verdict import Kind, Verdict

MFA_KEY = "aws:multifactorauthpresent"
_SOME_ACTIONS = "applies to some actions only"


def lookalikes(account: JudgedAccount, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
    """Report each document that tests for MFA, but does not enforce it on the users it applies to.

    `verdicts` is by UserId. There is one finding per document and account, with the users concerned.
    """
    allowed = account.examiner.may_leave_open
    users_by_document: dict[Document, list[str]] = {}
    for user in account.facts.users:
        if verdicts[user.id].kind is Kind.COVERED:
            continue
        for document in account.rights_without_us(user).identity:
            if weakness(document, allowed):
                users_by_document.setdefault(document, []).append(user.name)
    for document, names in users_by_document.items():
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        text = f'"{short(document.name)}" {weakness(document, allowed)} (on {some})'
        yield Finding("look-alike", text, account.account.id)


def weakness(document: Document, may_leave_open: tuple[str, ...]) -> str:
    """Say why a document that tests for MFA does not enforce it; empty if it enforces MFA or does not test for it."""
    about_mfa = {
        statement: text
        for statement in document.statements
        if statement.effect == "Deny" and (text := _weakness(statement)) is not None
    }
    if not about_mfa:
        return ""
    if "" not in about_mfa.values():
        return next(iter(about_mfa.values()))
    # What one sound statement leaves open, another one may deny.
    denials = [one for one, text in about_mfa.items() if text in ("", _SOME_ACTIONS)]
    too_open = beyond(left_open(denials), may_leave_open)
    return f"leaves open without MFA: {', '.join(too_open)}" if too_open else ""


def _weakness(statement: Statement) -> str | None:
    """Return what is wrong with a statement; empty if it is sound, None if it does not test for MFA."""
    source = statement.source
    tests = dict(_tests(source))
    about_mfa = {operator: keys[MFA_KEY] for operator, keys in tests.items() if MFA_KEY in keys}
    if not about_mfa:
        return None
    holed = "NotResource" in source  # `left_open` names the hole
    further = {key for keys in tests.values() for key in keys} - {MFA_KEY, "aws:viaawsservice"}
    return (
        _wrong_test(about_mfa)
        or _wrong_actions(statement)
        or ("" if statement.resources.everything or holed else "applies to some resources only")
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
        return "" if named & {"*", "*:*"} else _SOME_ACTIONS
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
