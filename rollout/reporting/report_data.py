"""Gathers a report from plan and journal once; tables and page only lay it out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar, cast

from rollout.domain.gates.readiness import Notified
from rollout.domain.people.addresses import NOBODY
from rollout.domain.people.observations import Finding
from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
from rollout.domain.plan.impact_counts import ImpactCounts, count_impact
from rollout.domain.progress.history import History
from rollout.domain.progress.projection import Progress, is_rehearsal
from rollout.domain.progress.records import GateRead, RunEnded, RunStarted
from rollout.domain.progress.stages import Stage
from rollout.domain.status.movements import Movements
from rollout.domain.status.to_come import to_come
from rollout.domain.status.to_decide import DecisionList, DecisionLists, ToDecide
from rollout.domain.status.user_status import Statuses, counts_of
from rollout.domain.status.waiting_gates import gates_that_wait, say_gate
from rollout.domain.verdicts.verdict import Impact
from rollout.reporting import spelling
from rollout.reporting.account_columns import AccountLine
from rollout.reporting.change_columns import ChangeLine
from rollout.reporting.change_history import change_lines
from rollout.reporting.user_columns import UserLine

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WaveDecision:
    """An approval of a wave, or a gate overridden for it: when, and by whom and why in a sentence."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class WaveProgress:
    """One wave's progress. `waits` counts the users who wait, by what they wait for.

    `due`: the last date told to one of its users. `no_notice` are users
    who were sent none and need none, since enforcement changes nothing for them.
    `decisions` are what people have decided about it: approvals of this very plan, and gates overridden.
    """

    name: str
    users: int
    queued: int
    told: int
    no_notice: int
    enforced: int
    notified_at: datetime | None
    enforced_at: datetime | None
    waits: tuple[tuple[str, int], ...]
    gates: tuple[GateRead, ...]
    decisions: tuple[WaveDecision, ...] = ()
    due: datetime | None = None

    @property
    def waiting(self) -> int:
        """Count the users of the wave on whom MFA is not enforced yet."""
        return self.users - self.enforced

    @property
    def untold(self) -> int:
        """Count the users who need a notice and have got none that arrived, or that may have arrived."""
        return self.users - self.told - self.queued - self.no_notice

    @property
    def other_gates(self) -> tuple[str, ...]:
        """Say the gates that stop the wave and that no line of `waits` names."""
        named = {what for what, _ in self.waits}
        said = (say_gate(gate) for gate in self.gates)
        return tuple(gate for gate in said if gate not in named) if self.waiting else ()


@dataclass(frozen=True, slots=True)
class ReportData:
    """A whole report before it is laid out. `runs` are in the journal's order, each with its end if it has one.

    `impact` is what enforcement means for the users who are not enforced yet, `to_decide` what waits for a person.
    `moved` is who has moved since an earlier day, if that was asked.
    """

    header: Header
    now: datetime
    users: tuple[UserLine, ...]
    accounts: tuple[AccountLine, ...]
    changes: tuple[ChangeLine, ...]
    waves: tuple[WaveProgress, ...]
    findings: tuple[Finding, ...]
    unsettled: int
    runs: tuple[tuple[RunStarted, RunEnded | None], ...]
    rehearsed: bool
    impact: ImpactCounts
    to_decide: tuple[DecisionList, ...]
    moved: Movements | None = None


def gather(
    header: Header,
    parts: Iterable[AccountPlan],
    history: History,
    now: datetime,
    *,
    notified: Notified,
    rehearsal: History | None = None,
    since: Mapping[str, datetime] | None = None,
) -> ReportData:
    """Go through the plan once, an account at a time, and through the journal.

    `since` tells by UserId since when users are known to stand as they do.
    """
    gates = gates_that_wait(history, header)
    accounts = [AccountLine(left_out) for left_out in header.left_out]
    waves: defaultdict[str, list[UserLine]] = defaultdict(list, {name: [] for name in header.waves})
    to_decide, decisions = ToDecide(header, notified.exemptions, now, since or {}), DecisionLists()
    decisions.take(to_decide.not_entered())
    for part, users in by_account(header, parts, history, now, notified):
        members = ((user.entry, user.status) for user in users)
        decisions.take(to_decide.about(part.account_id, part.name, members))
        accounts.append(_as_shown(part, users))
        for user in accounts[-1].users:
            if user.entry.wave:
                waves[user.entry.wave].append(user)
    read = [account.read for account in accounts if account.read]
    return ReportData(
        header=header,
        now=now,
        users=tuple(user for account in accounts for user in account.users),
        accounts=tuple(sorted(accounts, key=lambda account: account.part.account_id)),
        changes=tuple(change_lines(history, rehearsal)),
        waves=tuple(
            _wave(name, users, history, gates.get(name, ()), header, notified)
            for name, users in waves.items()
        ),
        findings=(*header.findings, *(finding for part in read for finding in part.findings)),
        unsettled=sum(not is_rehearsal(done) for done in history.open),
        runs=tuple((started, history.ended.get(run)) for run, started in history.runs.items()),
        rehearsed=rehearsal is not None,
        impact=count_impact(
            to_come(
                ((user.entry, user.status) for users in waves.values() for user in users),
                unaffected_too=notified.unaffected_too,
            )
        ),
        to_decide=decisions.lists(),
    )


def by_account(
    header: Header, parts: Iterable[AccountPlan], progress: Progress, now: datetime, notified: Notified
) -> Iterator[tuple[AccountPlan, tuple[UserLine, ...]]]:
    """Yield each account of the plan with the lines of its users."""
    gates = {wave: say_gate(reads[0]) for wave, reads in gates_that_wait(progress, header).items()}
    statuses = Statuses(header, progress, notified, now, gates)
    for part in parts:
        yield (
            part,
            tuple(UserLine(part, entry, statuses.of(entry.user, entry), header.id) for entry in part.entries),
        )


def _as_shown(part: AccountPlan, users: Iterable[UserLine]) -> AccountLine:
    """Keep of an account and its users what a table shows, and what many have in common only once: half the memory."""
    bare = replace(part, entries=(), matrices=())
    known: dict[object, object] = {}

    def shared(value: T) -> T:
        return cast("T", known.setdefault(value, value))

    def shown(entry: PlanEntry) -> PlanEntry:
        facts = entry.facts
        return replace(
            entry,
            reasons=shared(entry.reasons),
            facts=replace(facts, tags={}, observed_at=shared(facts.observed_at)),
            fingerprint="",
            situation=shared(entry.situation),
            addressee=NOBODY,
            matrix=None,
            doors=(),
            **{name: shared(getattr(entry, name)) for name in ("cure", "forecast", "wave", "path")},
        )

    return AccountLine(bare, tuple(replace(user, account=bare, entry=shown(user.entry)) for user in users))


def _wave(
    name: str,
    users: list[UserLine],
    progress: Progress,
    gates: tuple[GateRead, ...],
    header: Header,
    notified: Notified,
) -> WaveProgress:
    counts = counts_of(user.status for user in users)
    waits = Counter(user.status.waits_for for user in users if not user.status.enforced)
    return WaveProgress(
        name,
        counts.users,
        counts.queued,
        counts.told,
        sum(
            user.status.notice is None and not notified.needs_notice(user.entry.impact or Impact.NONE)
            for user in users
        ),
        counts.enforced,
        progress.carried.get((Stage.NOTIFY, name)),
        progress.carried.get((Stage.ENFORCE, name)),
        tuple(sorted(waits.items(), key=lambda item: (-item[1], item[0]))),
        gates,
        tuple(sorted(_decisions(name, progress, header), key=lambda one: one.at)),
        max((user.status.notice.due for user in users if user.status.notice), default=None),
    )


def _decisions(wave: str, progress: Progress, header: Header) -> Iterator[WaveDecision]:
    """Tell what is on record, whether it counts today or not: the settings are no part of the report."""
    for given in progress.approvals.get((header.checksum, wave), ()):
        planner = ", who made the plan" if given.approver.is_same(header.planner) else ""
        text = f"approved {spelling.minute(given.at)} by {given.caller}{planner}: {given.reason}"
        yield WaveDecision(given.at, text)
    for one in progress.overrides:
        if one.wave == wave:
            text = f"gate {one.gate} overridden {spelling.minute(one.at)} by {one.caller}: {one.reason}"
            yield WaveDecision(one.at, text)
