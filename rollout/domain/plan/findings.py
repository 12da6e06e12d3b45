"""Facts that a person must look at, gathered from what was seen and judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.inventory import Finding
from rollout.domain.people.users import User
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.verdict import Code, Kind, Verdict


def about_exemptions(
    exemptions: tuple[Exemption, ...], users: Iterable[User], today: date
) -> Iterator[Finding]:
    """Name exemptions that ran out, and those that match nobody (a typing error covers nobody, silently)."""
    everybody = tuple(users)
    for line in exemptions:
        if not line.lives(today):
            yield Finding(
                "exemption-expired",
                f"{line.match.text}: ended {line.expires.isoformat()}, owner {line.owner}",
            )
        if not any(line.match.matches(user) for user in everybody):
            yield Finding(
                "exemption-matches-nobody", f"{line.match.text}: nobody matches, owner {line.owner}"
            )


def about_account(account: JudgedAccount, verdicts: Mapping[str, Verdict]) -> Iterator[Finding]:
    """Name what stands out in one account; `verdicts` by UserId."""
    account_id, facts = account.account.id, account.facts
    yield from facts.findings
    if facts.unassigned_devices:
        count = len(facts.unassigned_devices)
        text = f"{count} unassigned virtual MFA device(s) left over from enrolment begun and not ended"
        yield Finding("unassigned-devices", text, account_id)
    for user in facts.users:
        yield from _about_user(user, verdicts[user.id])


def _about_user(user: User, verdict: Verdict) -> Iterator[Finding]:
    if verdict.kind is Kind.HOLD and verdict.enforced_by_us:
        text = f"{user.name} is enforced, but would be held today: {', '.join(verdict.codes)}"
        yield Finding("held-but-enforced", text, user.account_id, user.arn)
    if verdict.kind is Kind.COVERED and Code.CANNOT_ENROL in verdict.codes:
        text = f"{user.name} is covered by {verdict.covered_by}, and cannot enrol a device"
        yield Finding("covered-cannot-enrol", text, user.account_id, user.arn)
