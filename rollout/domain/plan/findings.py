"""Gathers the facts that a person should look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.observations import Finding
from rollout.domain.people.sign_in import ConsoleAuthorization, Weighing
from rollout.domain.people.users import User
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.verdict import Code, Kind, Verdict


def about_exemptions(exemptions: tuple[Exemption, ...], today: date) -> Iterator[Finding]:
    """Report the exemptions that have ended."""
    for exemption in exemptions:
        if not exemption.lives(today):
            text = (
                f"{exemption.match.text}: ended {exemption.expires.isoformat()} UTC, owner {exemption.owner}"
            )
            yield Finding("exemption-expired", text)


def about_account(account: JudgedAccount, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
    """Report what stands out in one account; `verdicts` is by UserId."""
    account_id, facts = account.account.id, account.facts
    yield from facts.findings
    if account.ours.unknown:
        yield Finding("unknown-policy", account.ours.unknown, account_id)
    if facts.sign_in is not None and facts.sign_in.state is not Weighing.OFF:
        yield _about_sign_in(facts.sign_in, account_id, proved=account.rules.sign_in_proved)
    if facts.unassigned_devices:
        count = len(facts.unassigned_devices)
        devices = "virtual MFA device" if count == 1 else "virtual MFA devices"
        text = f"{count} unassigned {devices}, left over from unfinished enrolment"
        yield Finding("unassigned-devices", text, account_id)
    for user in facts.users:
        yield from _about_user(user, verdicts[user.id])


def _about_sign_in(sign_in: ConsoleAuthorization, account_id: str, *, proved: bool) -> Finding:
    """Report that console authorization is on, with all that is weighed at the sign-in, or that it is not known."""
    text = sign_in.sentence
    match sign_in.state:
        case Weighing.ON:
            said = "rules.console_authorization says that people get a session" if proved else ""
            weighed = said or "identity policies are weighed at the sign-in to the console"
            text = "; ".join((text, weighed, *sign_in.restrictions))
        case Weighing.UNREAD if not proved:
            text += "; people with a password are held as unknown"
        case _:
            text += "; the verdicts do not consider it"
    code = "not-offered" if sign_in.state is Weighing.NOT_OFFERED else "console-authorization"
    return Finding(code, text, account_id)


def _about_user(user: User, verdict: Verdict) -> Iterator[Finding]:
    if verdict.harmed_by_enforcement and verdict.enforced_by_us:
        text = f"{user.name} is enforced, but would be held today: {', '.join(verdict.codes)}"
        yield Finding("held-but-enforced", text, user.account_id, user.arn)
    if verdict.kind is Kind.COVERED and Code.CANNOT_ENROL in verdict.codes:
        text = f"{user.name} is covered by {verdict.covered_by}, but cannot enrol a device"
        yield Finding("covered-cannot-enrol", text, user.account_id, user.arn)
