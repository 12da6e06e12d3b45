"""JUnit XML for CI: a suite for each account, a test for each user. It follows the schema of Ant's JUnit task."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from rollout.domain.plan.entries import LeftOut
from rollout.reporting.account_columns import AccountLine, ListedState
from rollout.reporting.formats.user_check import TITLE, MfaAnswer, UserCheck, check_of
from rollout.reporting.formats.written_report import WrittenReport
from rollout.visible_text import visible


def junit(report: WrittenReport) -> Iterator[str]:
    """Yield the document. An account that should have been read and was not is an error, never a pass."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    at = f"{report.data.now:%Y-%m-%dT%H:%M:%S}"
    for number, account in enumerate(report.data.accounts):
        yield from _suite(account, number, at)
    yield "</testsuites>\n"


def _suite(account: AccountLine, number: int, at: str) -> Iterator[str]:
    name = f"{account.part.account_id} {account.part.name}"
    cases = [check_of(user) for user in account.users]
    unread = isinstance(account.part, LeftOut) and account.state == ListedState.UNREACHABLE
    counts = {
        "tests": len(cases) + unread,
        "errors": _number(cases, MfaAnswer.UNKNOWN) + unread,
        "failures": _number(cases, MfaAnswer.FAILED),
        "skipped": _number(cases, MfaAnswer.EXEMPT),
    }
    said = " ".join(f'{key}="{value}"' for key, value in counts.items())
    yield (
        f'<testsuite id="{number}" package={_attribute(account.part.ou)} name={_attribute(name)} timestamp="{at}" '
        f'hostname="localhost" time="0" {said}>\n'
        "<properties/>\n"
    )
    if isinstance(account.part, LeftOut) and unread:
        yield _case(name, "the account can be read", _ending("error", account.part.reason, account.part.cure))
    for one in cases:
        yield _case(name, f"{TITLE} {one.user.entry.user.arn}", _outcome(one))
    yield "<system-out/><system-err/>\n</testsuite>\n"


def _number(cases: list[UserCheck], result: MfaAnswer) -> int:
    return sum(one.result is result for one in cases)


def _outcome(check: UserCheck) -> str:
    match check.result:
        case MfaAnswer.PASSED:
            return ""
        case MfaAnswer.EXEMPT:
            return "<skipped/>"
        case MfaAnswer.UNKNOWN:
            return _ending("error", check.text, check.cure)
        case MfaAnswer.FAILED:
            return _ending("failure", check.text, check.cure)


def _ending(kind: str, text: str, cure: str) -> str:
    return f'<{kind} type="mfa" message={_attribute(text)}>{_attribute(cure)[1:-1]}</{kind}>'


def _case(suite: str, name: str, inner: str) -> str:
    return f'<testcase classname={_attribute(suite)} name={_attribute(name)} time="0">{inner}</testcase>\n'


def _attribute(text: str) -> str:
    """XML knows no control characters, not even escaped; their visible escapes are text."""
    return quoteattr(visible(text).strip(), {'"': "&quot;"})
