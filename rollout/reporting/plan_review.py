"""Sums up a plan in Markdown for who reviews it in a pull request: whom it hits first, why, and what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from datetime import date
from heapq import nsmallest

from rollout.counted import number_of
from rollout.domain.people.observations import Finding
from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
from rollout.domain.plan.risk import Risk, risk_of
from rollout.domain.status.movements import Movements
from rollout.domain.verdicts.verdict import Kind
from rollout.reporting import spelling
from rollout.reporting.markdown import SHOWN, escaped, more, said, some, table


@dataclass(frozen=True, slots=True, order=True)
class _AtRisk:
    risk: Risk
    wave: int
    arn: str
    because: str = field(compare=False)
    forecast: str = field(compare=False)
    wave_name: str = field(compare=False)


def plan_review(header: Header, accounts: Iterable[AccountPlan], since: Movements | None) -> Iterator[str]:
    """Yield the summary. The plan is gone through once, an account at a time; `since` compares it with an earlier one.

    However large the plan, the summary fits into a comment: lists have their first rows, and say how many more.
    """
    seen = _Seen(tuple(header.waves))
    for account in accounts:
        seen.take(account)
    yield f"## Plan {said(header.id)}: {number_of(seen.users, 'user')} in {number_of(seen.accounts, 'account')}\n\n"
    yield (
        f"Made {spelling.minute(header.created)} by {said(header.caller)} for organization "
        f"{said(header.organization_id)}. Checksum: {said(header.checksum)}.\n\n"
    )
    columns = ("wave", "#users", "#must enrol", "#without a device", "#change CLI use", "#notice nothing")
    impact = ((said(wave), one.users, *astuple(one)[:4]) for wave, one in header.impact.items())
    yield from table(columns, impact)
    yield from table(("verdict", "#users"), header.verdicts.items())
    yield from _at_risk(seen)
    yield from movements_in_markdown(since) if since else ()
    yield from _held(seen, header)
    yield from _exempt(seen)
    yield from _not_in_the_plan(header)
    yield from _findings((*header.findings, *seen.findings))
    yield "To be applied, the plan needs the evidence file beside it: commit both.\n"


@dataclass(slots=True)
class _Seen:
    """What the summary needs of the accounts; no more is kept than it shows."""

    waves: tuple[str, ...]
    users: int = 0
    accounts: int = 0
    risks: Counter[Risk] = field(default_factory=Counter)
    first: list[_AtRisk] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)
    exempt: list[tuple[date, str]] = field(default_factory=list)
    exempt_users: int = 0
    findings: list[Finding] = field(default_factory=list)

    def take(self, account: AccountPlan) -> None:
        self.accounts += 1
        self.users += len(account.entries)
        self.findings += account.findings
        coming = []
        for entry in account.entries:
            risk = risk_of(entry)
            if risk is not None:
                self.risks[risk] += 1
                coming.append(self._at_risk(entry, risk))
            if entry.verdict is Kind.HOLD:
                self.held.update(entry.because)
        self.first = nsmallest(SHOWN, (*self.first, *coming))
        ends = [
            (entry.exempt_until or date.max, entry.user.arn)
            for entry in account.entries
            if entry.verdict is Kind.EXEMPT
        ]
        self.exempt_users += len(ends)
        self.exempt = nsmallest(SHOWN, (*self.exempt, *ends))

    def _at_risk(self, entry: PlanEntry, risk: Risk) -> _AtRisk:
        place = self.waves.index(entry.wave) if entry.wave in self.waves else len(self.waves)
        because = ", ".join(entry.because)
        return _AtRisk(risk, place, entry.user.arn, because, entry.forecast, entry.wave)


def _at_risk(seen: _Seen) -> Iterator[str]:
    first = [one for one in seen.first if one.risk is not Risk.NOTHING]
    if not first:
        return
    yield "### Who is at risk, worst first\n\n"
    yield from table(
        ("#users", "what enforcement means"),
        ((seen.risks[risk], risk.meaning) for risk in Risk if seen.risks[risk]),
    )
    rows = ((said(one.arn), said(one.wave_name), said(one.because), escaped(one.forecast)) for one in first)
    yield from table(("user", "wave", "because", "denied from then on"), rows)
    total = seen.risks.total() - seen.risks[Risk.NOTHING]
    yield from more(total - len(first), "`rollout show`")


def movements_in_markdown(moves: Movements) -> Iterator[str]:
    """Yield who moved from where to where: how many, and the first of them by name."""
    yield f"### From {escaped(moves.before)} to {escaped(moves.after)}\n\n"
    if not moves.moved:
        yield f"No difference: {number_of(moves.stayed, 'user')} where they were.\n\n"
        return
    yield f"{number_of(len(moves.moved), 'user')} moved, {moves.stayed} did not.\n\n"
    ways = list(moves.ways.items())
    rows = (
        (escaped(was), escaped(now), len(users), some([one.arn for one in users]))
        for (was, now), users in ways[:SHOWN]
    )
    yield from table(("from", "to", "#users", "who"), rows)
    yield from more(len(ways) - SHOWN, "`rollout plan --diff`")


def _held(seen: _Seen, header: Header) -> Iterator[str]:
    if seen.held:
        yield f"### On hold: {number_of(header.verdicts.get(Kind.HOLD, 0), 'user')}\n\n"
        yield from table(
            ("reason", "#users", "what to do"),
            (
                (said(code), users, escaped(header.cures.get(code, "")))
                for code, users in seen.held.most_common()
            ),
        )


def _exempt(seen: _Seen) -> Iterator[str]:
    if seen.exempt:
        yield f"### Exempt: {number_of(seen.exempt_users, 'user')}\n\n"
        yield from table(
            ("user", "until"),
            ((said(arn), "–" if until == date.max else spelling.day(until)) for until, arn in seen.exempt),
        )
        yield from more(seen.exempt_users - len(seen.exempt), "`rollout show`")


def _not_in_the_plan(header: Header) -> Iterator[str]:
    if left := header.left_out:
        yield f"### Not in the plan: {number_of(len(left), 'account')}\n\n"
        rows = (
            (said(one.account_id), said(one.name), escaped(one.state), escaped(one.reason))
            for one in sorted(left, key=lambda one: (one.state != "unreachable", one.account_id))[:SHOWN]
        )
        yield from table(("account", "name", "state", "reason"), rows)
        yield from more(len(left) - SHOWN, "`rollout show`")


def _findings(found: tuple[Finding, ...]) -> Iterator[str]:
    if found:
        yield "### Findings\n\n"
        yield from table(
            ("what", "account", "text"),
            ((said(one.code), said(one.account_id), escaped(one.text)) for one in found[:SHOWN]),
        )
        yield from more(len(found) - SHOWN, "`rollout show`")
