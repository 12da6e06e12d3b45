"""`rollout status`: derives where each wave stands from plan and journal alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from rollout.domain.gates import GateAnswer, Gatekeeper, GateRules, Needs, Result
from rollout.domain.gates.approval import approved_by
from rollout.domain.gates.gate import AnyGate
from rollout.domain.gates.readiness import Notified
from rollout.domain.plan.entries import Entry
from rollout.domain.policy.changes import Skipped
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.replay import Progress
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Impact
from rollout.workflows.ports import StoredPlan


@dataclass(frozen=True, slots=True)
class GateStands:
    """One gate of a wave: its answer with numbers, since when, when time alone opens it, and who overrode it.

    `sentence` says what is waited for while the gate stops the wave.
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
        """Tell whether the wave may not pass, as far as is known."""
        return self.answer in (Result.FAIL, Result.INCONCLUSIVE) and not self.overridden


@dataclass(frozen=True, slots=True)
class WaveStands:
    """One wave: how many are told and enforced, what comes next, and what it waits for.

    `gates` are those that stand before a wave that is still to be enforced; `approved` says who let it go on.
    """

    wave: str
    users: int
    told: int
    enforced: int
    next_step: str
    waits_for: str
    notified_at: datetime | None
    enforced_at: datetime | None
    gates: tuple[GateStands, ...] = ()
    approved: str = ""

    def as_dict(self) -> dict[str, object]:
        """Give it as JSON-able values."""
        inner = ("needs", "sentence")
        gates = [
            {name: value for name, value in asdict(gate).items() if name not in inner} for gate in self.gates
        ]
        return {**asdict(self), "gates": gates}


def where_waves_stand(
    stored: StoredPlan,
    progress: Progress,
    now: datetime,
    *,
    lead_time: timedelta,
    gates: GateRules,
    unaffected_too: bool = False,
) -> list[WaveStands]:
    """Tell about every wave of the plan, in order. `unaffected_too`: as `gates.notice_for_unaffected` says."""
    header = stored.header
    rule = Notified(lead_time, unaffected_too)
    members: dict[str, list[Entry]] = {wave: [] for wave in header.waves}
    for account in stored.accounts():
        for entry in account.entries:
            if entry.wave:
                members[entry.wave].append(entry)
    keeper = Gatekeeper(progress, gates, header.waves, header.checksum, now)
    stands = []
    for wave, entries in members.items():
        steps = ("", "")
        before: tuple[GateStands, ...] = ()
        if entries:
            before = tuple(_gates(wave, keeper))
            steps = _next(wave, entries, progress, now, rule, before)
        stands.append(
            WaveStands(
                wave,
                len(entries),
                sum(_is_told(entry, progress) for entry in entries),
                sum(_is_enforced(entry, progress) for entry in entries),
                *steps,
                progress.carried.get((Stage.NOTIFY, wave)),
                progress.carried.get((Stage.ENFORCE, wave)),
                before,
                approved_by(progress, header.checksum, wave),
            )
        )
    return stands


def _gates(wave: str, keeper: Gatekeeper) -> Iterator[GateStands]:
    """Ask what journal and calendar can answer; repeat what the last run said of the rest."""
    if (Stage.ENFORCE, wave) in keeper.progress.carried:
        return
    for gate, answer in keeper.ask(wave, Needs.PLAN, Needs.JOURNAL, Needs.CALENDAR):
        since = answer.since or _since(wave, answer, keeper.progress)
        yield _stands(wave, gate, replace(answer, since=since), keeper)
    for gate, unasked in keeper.unasked():
        yield _stands(wave, gate, _last_read(wave, gate, keeper.progress) or unasked, keeper)


def _stands(wave: str, gate: AnyGate, answer: GateAnswer, keeper: Gatekeeper) -> GateStands:
    sentence = gate.in_status.format(gate=gate.name, detail=answer.detail)
    given = None if answer.passes else keeper.override(wave, gate)
    overridden = f"{given.at:%Y-%m-%d %H:%M} UTC by {given.caller}: {given.reason}" if given else ""
    return GateStands(
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
    """Find since when runs have been told the same."""
    since = None
    for read in reversed(progress.gates):
        if (read.wave, read.gate) != (wave, answer.gate):
            continue
        if read.result is not answer.result:
            break
        since = read.at
    return since


def _last_read(wave: str, gate: AnyGate, progress: Progress) -> GateAnswer | None:
    """Repeat what the gate last said to a run; None when it has said nothing yet."""
    reads = (read for read in reversed(progress.gates) if (read.wave, read.gate) == (wave, gate.name))
    last = next(reads, None)
    if last is None:
        return None
    detail = f"{last.detail} (as of {last.at:%Y-%m-%d %H:%M} UTC)"
    return GateAnswer(gate.name, last.result, detail, since=last.at)


def _next(
    wave: str,
    entries: list[Entry],
    progress: Progress,
    now: datetime,
    rule: Notified,
    gates: tuple[GateStands, ...],
) -> tuple[str, str]:
    if (Stage.ENFORCE, wave) in progress.carried:
        if released := _let_out(entries, progress):
            return ("done", released)
        late = sum(not _is_enforced(entry, progress) for entry in entries)
        return ("done", f"{late} late or left alone" if late else "")
    of_plan = "; ".join(gate.sentence for gate in gates if gate.stops and gate.needs is Needs.PLAN)
    if (Stage.NOTIFY, wave) not in progress.carried:
        return ("notify", of_plan)
    if stops := [gate.sentence for gate in gates if gate.stops]:
        return ("enforce", of_plan or "; ".join(stops))
    waits = [
        why.detail
        for entry in entries
        if entry.impact is not None and not _is_enforced(entry, progress)
        if (why := _holds_back(entry, entry.impact, rule, progress, now)) is not None
    ]
    return ("enforce", f"{len(waits)} users: {max(waits)}" if waits else "")


def _holds_back(
    entry: Entry, impact: Impact, rule: Notified, progress: Progress, now: datetime
) -> Skipped | None:
    since = progress.let_out.get(entry.user.id)
    return rule.holds_back(entry.user.id, impact, progress, now, since)


def _is_told(entry: Entry, progress: Progress) -> bool:
    # A queued message has told nobody yet (design.md#stages-and-gates).
    told = progress.last_told(entry.user.id)
    return told is not None and told.delivery is Delivery.DELIVERED


def _is_enforced(entry: Entry, progress: Progress) -> bool:
    releases = progress.releases
    if entry.user.id in releases.returning or entry.user.account_id in releases.braked:
        return False
    return bool(entry.enforced_by) or entry.user.id in progress.placed


def _let_out(entries: list[Entry], progress: Progress) -> str:
    """Say how many a release lets out; empty when none."""
    releases = progress.releases
    out = sum(
        entry.user.id in releases.returning
        or (entry.user.account_id in releases.braked and entry.user.id in progress.placed)
        for entry in entries
    )
    return f"{out} let out by a release" if out else ""
