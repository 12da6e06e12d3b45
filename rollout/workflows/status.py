"""`rollout status`: derives the state of each wave from plan and journal alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from rollout.counted import number_of
from rollout.domain.gates import GateAnswer, Gatekeeper, GateRules, Needs, Result
from rollout.domain.gates.approval import APPROVAL, approvals_of
from rollout.domain.gates.gate import AnyGate
from rollout.domain.gates.readiness import Notified
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.plan.impact_counts import Affected, ImpactCounts, impact_of
from rollout.domain.policy.changes import Skipped
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.stages import Stage
from rollout.domain.status.to_come import to_come
from rollout.domain.status.user_status import Statuses, UserStatus
from rollout.domain.verdicts.verdict import Impact
from rollout.workflows.ports import StoredPlan


@dataclass(frozen=True, slots=True)
class GateState:
    """One gate of a wave: its answer, since when, when it opens by time alone, and who overrode it.

    `sentence` says what the wave waits for while the gate stops it.
    """

    gate: str
    needs: Needs
    answer: Result
    detail: str
    sentence: str
    since: datetime | None = None
    opens_at: datetime | None = None
    overridden: str = ""

    @property
    def stops(self) -> bool:
        """Whether the gate stops the wave, as far as is known."""
        return self.answer in (Result.FAIL, Result.INCONCLUSIVE) and not self.overridden


@dataclass(frozen=True, slots=True)
class WaveState:
    """One wave: the counts of `StatusCounts`, its next step, and what that waits for.

    `gates`: the gates of a wave not enforced yet. `approved`: who approved the wave, and when. `enforced_by`: the ARN
    of who ran the enforcement. `to_come`: the users on whom MFA is still to be enforced.
    """

    wave: str
    users: int
    queued: int
    told: int
    enforced: int
    released: int
    next_step: str
    waits_for: str
    notified_at: datetime | None
    enforced_at: datetime | None
    gates: tuple[GateState, ...] = ()
    approved: str = ""
    enforced_by: str = ""
    impact: ImpactCounts = field(default_factory=ImpactCounts)
    to_come: tuple[Affected, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Give it as JSON-able values."""
        inner = ("needs", "sentence")
        gates = [
            {name: value for name, value in asdict(gate).items() if name not in inner} for gate in self.gates
        ]
        values = {name: value for name, value in asdict(self).items() if name != "to_come"}
        return {**values, "gates": gates}


@dataclass(frozen=True, slots=True)
class Overview:
    """The states of all waves, and how many users outside of them are enforced by this tool, such as held ones."""

    waves: list[WaveState]
    outside: int


def wave_states(
    stored: StoredPlan,
    progress: Progress,
    now: datetime,
    *,
    notified: Notified,
    gates: GateRules,
    names: bool = False,
) -> list[WaveState]:
    """Return the states of the waves alone, as `overview` does."""
    return overview(stored, progress, now, notified=notified, gates=gates, names=names).waves


def overview(
    stored: StoredPlan,
    progress: Progress,
    now: datetime,
    *,
    notified: Notified,
    gates: GateRules,
    names: bool = False,
) -> Overview:
    """Return the state of each wave, in plan order. `notified`: the rule by which users are ready.

    Accounts of which the journal knows nothing are counted by their outline, unless the `names` of users are wanted.
    """
    header = stored.header
    keeper = Gatekeeper.of(progress, gates, header, now)
    stands = []
    tallies, outside = _tallies(stored, progress, now, notified, names=names)
    for wave, tally in tallies.items():
        before = tuple(_gates(wave, keeper)) if tally.users else ()
        next_step, waits_for = _next(wave, tally, progress, before) if tally.users else ("", "")
        stands.append(
            WaveState(
                wave,
                tally.users,
                tally.queued,
                tally.told,
                tally.enforced,
                tally.released,
                next_step=next_step,
                waits_for=waits_for,
                notified_at=progress.carried.get((Stage.NOTIFY, wave)),
                enforced_at=progress.carried.get((Stage.ENFORCE, wave)),
                gates=before,
                approved=approvals_of(
                    progress, header.checksum, wave, header.planner, gates.of(APPROVAL)
                ).sentence,
                enforced_by=progress.carried_by.get((Stage.ENFORCE, wave), ""),
                impact=impact_of(tally.affected),
                to_come=tuple(tally.to_come),
            )
        )
    return Overview(stands, outside)


@dataclass(slots=True)
class _Tally:
    """What is counted of one wave.

    `affected` counts the users to come by impact, device and need of a notice. `missing` are not enforced, and
    `let_out` those of them who are released. `waiting` users have to wait for their notice, `why` the last of them.
    """

    users: int = 0
    queued: int = 0
    told: int = 0
    enforced: int = 0
    released: int = 0
    missing: int = 0
    let_out: int = 0
    waiting: int = 0
    why: str = ""
    affected: Counter[tuple[Impact, bool, bool]] = field(default_factory=Counter)
    to_come: list[Affected] = field(default_factory=list)

    def count(self, status: UserStatus) -> None:
        """Count one user."""
        self.users += 1
        self.queued += status.queued
        self.told += status.told
        self.enforced += status.enforced
        self.released += status.released
        self.missing += not status.enforced
        self.let_out += not status.enforced and status.released


def _tallies(
    stored: StoredPlan, progress: Progress, now: datetime, notified: Notified, *, names: bool
) -> tuple[dict[str, _Tally], int]:
    """Count the users of each wave, and those outside of waves who are enforced.

    An account is read only where its outline does not say enough.
    """
    tallies, outside = {wave: _Tally() for wave in stored.header.waves}, 0
    begun = {wave for _, wave in progress.carried}
    known, read = progress.accounts_known, set()
    for outline in stored.outlines():
        waves = {group.wave for group in outline.groups}
        if names or outline.enforced or outline.account_id in known or waves & begun:
            read.add(outline.account_id)
            continue
        for group in outline.groups:
            tally = tallies[group.wave]
            tally.users += group.users
            tally.missing += group.users
            if group.impact is not None:
                needed = notified.needs_notice(group.impact)
                tally.affected[group.impact, group.mfa_active, needed] += group.users
    header = stored.header
    statuses = Statuses(header, progress, notified, now)
    ready = _Readiness(notified, header.inventory_at, progress, now)
    for part in stored.accounts(frozenset(read)) if read else ():
        for entry in part.entries:
            status = statuses.of(entry.user, entry)
            if entry.wave:
                _count(tallies[entry.wave], entry, status, ready, names=names)
            else:
                outside += status.enforced
    return tallies, outside


def _count(tally: _Tally, entry: PlanEntry, status: UserStatus, ready: _Readiness, *, names: bool) -> None:
    tally.count(status)
    for one in to_come([(entry, status)], unaffected_too=ready.notified.unaffected_too):
        tally.affected[one.impact, one.has_device, one.needs_notice] += 1
        if names:
            tally.to_come.append(one)
    if not status.enforced and entry.impact is not None and (why := ready.holds_back(entry)):
        tally.waiting += 1
        tally.why = max(tally.why, why.detail)


def _gates(wave: str, keeper: Gatekeeper) -> Iterator[GateState]:
    """Ask the gates that journal and calendar can answer; take the last run's answers for the rest."""
    if (Stage.ENFORCE, wave) in keeper.progress.carried:
        return
    for gate, answer in keeper.ask(wave, Needs.PLAN, Needs.JOURNAL, Needs.CALENDAR):
        since = answer.since or _since(wave, answer, keeper.progress)
        yield _stands(wave, gate, replace(answer, since=since), keeper)
    for gate, unasked in keeper.unasked():
        yield _stands(wave, gate, _last_read(wave, gate, keeper.progress) or unasked, keeper)


def _stands(wave: str, gate: AnyGate, answer: GateAnswer, keeper: Gatekeeper) -> GateState:
    sentence = gate.in_status.format(gate=gate.name, detail=answer.detail)
    given = None if answer.passes else keeper.override(wave, gate)
    overridden = f"{given.at:%Y-%m-%d %H:%M} UTC by {given.caller}: {given.reason}" if given else ""
    return GateState(
        gate.name,
        gate.needs,
        answer.result,
        answer.detail,
        sentence,
        answer.since,
        answer.opens_at,
        overridden,
    )


def _since(wave: str, answer: GateAnswer, progress: Progress) -> datetime | None:
    """Return since when the gate has given this answer."""
    last = progress.gates.get((wave, answer.gate))
    return last.since if last and last.read.result is answer.result else None


def _last_read(wave: str, gate: AnyGate, progress: Progress) -> GateAnswer | None:
    """Return the gate's last answer to a run; None if there is none."""
    last = progress.gates.get((wave, gate.name))
    if last is None:
        return None
    detail = f"{last.read.detail} (as of {last.read.at:%Y-%m-%d %H:%M} UTC)"
    return GateAnswer(gate.name, last.read.result, detail, since=last.read.at)


@dataclass(frozen=True, slots=True)
class _Readiness:
    """Says why users of a plan have to wait; `seen_at` is the time of its inventory."""

    notified: Notified
    seen_at: datetime
    progress: Progress
    now: datetime

    def holds_back(self, entry: PlanEntry) -> Skipped | None:
        who = self.notified.planned_recipient(entry, self.seen_at, self.progress, self.now)
        return self.notified.holds_back(who, self.progress, self.now)


def _next(wave: str, tally: _Tally, progress: Progress, gates: tuple[GateState, ...]) -> tuple[str, str]:
    if (Stage.ENFORCE, wave) in progress.carried:
        late = tally.missing - tally.let_out
        counts = ((tally.let_out, "released"), (late, "late or skipped"))
        return ("done", ", ".join(f"{number} {what}" for number, what in counts if number))
    of_plan = "; ".join(gate.sentence for gate in gates if gate.stops and gate.needs is Needs.PLAN)
    if (Stage.NOTIFY, wave) not in progress.carried:
        return ("notify", of_plan)
    if stops := [gate.sentence for gate in gates if gate.stops]:
        return ("enforce", of_plan or "; ".join(stops))
    return ("enforce", f"{number_of(tally.waiting, 'user')}: {tally.why}" if tally.waiting else "")
