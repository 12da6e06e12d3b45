"""`rollout status`: derives where each wave stands from plan and journal alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from rollout.domain.changes import Skipped
from rollout.domain.gates import Result, dry_run_done, soak
from rollout.domain.journal.replay import Progress
from rollout.domain.notices import Delivery
from rollout.domain.plan import Entry
from rollout.domain.readiness import Notified
from rollout.domain.stages import Stage
from rollout.domain.verdicts.verdict import Impact
from rollout.workflows.ports import StoredPlan


@dataclass(frozen=True, slots=True)
class WaveStands:
    """One wave: how many are told and enforced, what comes next, and what it waits for."""

    wave: str
    users: int
    told: int
    enforced: int
    next_step: str
    waits_for: str
    notified_at: datetime | None
    enforced_at: datetime | None

    def as_dict(self) -> dict[str, object]:
        """Give it as JSON-able values."""
        return asdict(self)


def where_waves_stand(
    stored: StoredPlan,
    progress: Progress,
    now: datetime,
    *,
    lead_time: timedelta,
    soak_time: timedelta,
    unaffected_too: bool = False,
) -> list[WaveStands]:
    """Tell about every wave of the plan, in order. `unaffected_too`: as `gates.notice_for_unaffected` says."""
    rule = Notified(lead_time, unaffected_too)
    members: dict[str, list[Entry]] = {wave: [] for wave in stored.header.waves}
    for account in stored.accounts():
        for entry in account.entries:
            if entry.wave:
                members[entry.wave].append(entry)
    filled = [wave for wave, entries in members.items() if entries]
    rehearsed = dry_run_done(progress, stored.header.checksum)
    stands = []
    for wave, entries in members.items():
        steps = ("", "")
        if entries:
            steps = _next(wave, entries, progress, now, filled, rule, soak_time)
        if rehearsed.result is not Result.PASS and steps[0] not in ("", "done"):
            steps = (steps[0], rehearsed.detail)
        stands.append(
            WaveStands(
                wave,
                len(entries),
                sum(_is_told(entry, progress) for entry in entries),
                sum(_is_enforced(entry, progress) for entry in entries),
                *steps,
                progress.carried.get((Stage.NOTIFY, wave)),
                progress.carried.get((Stage.ENFORCE, wave)),
            )
        )
    return stands


def _next(
    wave: str,
    entries: list[Entry],
    progress: Progress,
    now: datetime,
    filled: list[str],
    rule: Notified,
    soak_time: timedelta,
) -> tuple[str, str]:
    if (Stage.ENFORCE, wave) in progress.carried:
        late = sum(not _is_enforced(entry, progress) for entry in entries)
        return ("done", f"{late} late or left alone" if late else "")
    if (Stage.NOTIFY, wave) not in progress.carried:
        return ("notify", "")
    answer = soak(progress, filled, wave, soak_time, now)
    if answer.result is not Result.PASS:
        return ("enforce", answer.detail)
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
    # A queued message has told nobody yet (DESIGN §6).
    told = progress.last_told(entry.user.id)
    return told is not None and told.delivery is Delivery.DELIVERED


def _is_enforced(entry: Entry, progress: Progress) -> bool:
    return bool(entry.enforced_by) or entry.user.id in progress.placed
