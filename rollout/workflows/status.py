"""`rollout status`: derives the state of each wave from plan and journal alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from rollout.domain.gates import GateAnswer, Gatekeeper, GateRules, Needs, Result
from rollout.domain.gates.approval import APPROVAL, approvals_of
from rollout.domain.gates.gate import AnyGate
from rollout.domain.gates.readiness import Notified
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.plan.impact_counts import Affected, ImpactCounts, count_impact
from rollout.domain.policy.changes import Skipped
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.stages import Stage
from rollout.domain.status.to_come import to_come
from rollout.domain.status.user_status import Statuses, UserStatus, counts_of
from rollout.workflows.ports import StoredPlan

Member = tuple[PlanEntry, UserStatus]
"""A user of a wave: what the plan decided, and where they stand."""


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
    to_come: tuple[Affected, ...] = ()

    @property
    def impact(self) -> ImpactCounts:
        """What enforcement means for the users who are not enforced yet."""
        return count_impact(self.to_come)

    def as_dict(self) -> dict[str, object]:
        """Give it as JSON-able values."""
        inner = ("needs", "sentence")
        gates = [
            {name: value for name, value in asdict(gate).items() if name not in inner} for gate in self.gates
        ]
        values = {name: value for name, value in asdict(self).items() if name != "to_come"}
        return {**values, "gates": gates, "impact": asdict(self.impact)}


def wave_states(
    stored: StoredPlan,
    progress: Progress,
    now: datetime,
    *,
    notified: Notified,
    gates: GateRules,
) -> list[WaveState]:
    """Return the state of each wave, in plan order. `notified`: the rule by which users are ready."""
    header = stored.header
    statuses = Statuses(header, progress, notified, now)
    members: dict[str, list[Member]] = {wave: [] for wave in header.waves}
    for account in stored.accounts():
        for entry in account.entries:
            if entry.wave:
                members[entry.wave].append((entry, statuses.of(entry.user, entry)))
    keeper = Gatekeeper.of(progress, gates, header, now)
    stands = []
    for wave, people in members.items():
        before = tuple(_gates(wave, keeper)) if people else ()
        ready = _Readiness(notified, header.inventory_at, progress, now)
        next_step, waits_for = _next(wave, people, ready, before) if people else ("", "")
        stands.append(
            WaveState(
                wave,
                **asdict(counts_of(status for _, status in people)),
                next_step=next_step,
                waits_for=waits_for,
                notified_at=progress.carried.get((Stage.NOTIFY, wave)),
                enforced_at=progress.carried.get((Stage.ENFORCE, wave)),
                gates=before,
                approved=approvals_of(
                    progress, header.checksum, wave, header.planner, gates.of(APPROVAL)
                ).sentence,
                enforced_by=progress.carried_by.get((Stage.ENFORCE, wave), ""),
                to_come=tuple(to_come(people, unaffected_too=notified.unaffected_too)),
            )
        )
    return stands


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


def _next(
    wave: str, people: list[Member], ready: _Readiness, gates: tuple[GateState, ...]
) -> tuple[str, str]:
    progress = ready.progress
    missing = [(entry, status) for entry, status in people if not status.enforced]
    if (Stage.ENFORCE, wave) in progress.carried:
        released = sum(status.released for _, status in missing)
        late = len(missing) - released
        counts = ((released, "released"), (late, "late or skipped"))
        return ("done", ", ".join(f"{number} {what}" for number, what in counts if number))
    of_plan = "; ".join(gate.sentence for gate in gates if gate.stops and gate.needs is Needs.PLAN)
    if (Stage.NOTIFY, wave) not in progress.carried:
        return ("notify", of_plan)
    if stops := [gate.sentence for gate in gates if gate.stops]:
        return ("enforce", of_plan or "; ".join(stops))
    waits = [
        why.detail for entry, _ in missing if entry.impact is not None and (why := ready.holds_back(entry))
    ]
    return ("enforce", f"{len(waits)} users: {max(waits)}" if waits else "")
