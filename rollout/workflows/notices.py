"""`rollout notices`: who was told what and when, whether it still counts, and what a user would be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from rollout.domain.gates.readiness import Notified, worth_of
from rollout.domain.people.addresses import normalised_address
from rollout.domain.people.scope import Selection
from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.progress.history import History
from rollout.domain.progress.messages import Line, Notice, NoticeWorth
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Reminded, Told
from rollout.domain.progress.schedule import due_dates
from rollout.domain.status.user_status import Statuses, UserStatus
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import EmptySelection
from rollout.workflows.ports import StoredPlan


@dataclass(frozen=True, slots=True)
class Said:
    """One notice or reminder about one user, and whether it still counts.

    `state` is a `NoticeWorth`; a reminder has none. `why` says more.
    """

    at: datetime
    kind: str
    user_arn: str
    account_id: str
    wave: str
    address: str
    impact: str
    due: date
    delivery: str
    state: str
    why: str
    message_id: str = ""

    def as_dict(self) -> dict[str, object]:
        """Give it as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NoticeRules:
    """The settings of `rollout.yaml` that decide about notices and their dates."""

    notified: Notified
    soak: timedelta


@dataclass(frozen=True, slots=True)
class _Judge:
    """Says what notices about the users of a plan are worth now; `seen_at` is the time of its inventory."""

    notified: Notified
    seen_at: datetime
    progress: Progress
    now: datetime

    def worth(self, told: Told, entry: PlanEntry) -> tuple[NoticeWorth, str]:
        who = self.notified.planned_recipient(entry, self.seen_at, self.progress, self.now)
        return worth_of(told, who, self.now)


def who_was_told(
    stored: StoredPlan,
    history: History,
    rules: NoticeRules,
    now: datetime,
    selection: Selection = Selection(),  # noqa: B008 - a frozen value without contents
) -> list[Said]:
    """List notices and reminders, oldest first. Raises EmptySelection if a selection matches nobody who was told."""
    entries = {
        entry.user.id: (part, entry)
        for part in stored.accounts()
        for entry in part.entries
        if entry.user.id in history.notices
    }
    statuses = Statuses(stored.header, history, rules.notified, now)
    judge = _Judge(rules.notified, stored.header.inventory_at, history, now)
    said: list[Said] = []
    for user_id, notices in history.told.items():
        part, entry = entries.get(user_id, (None, None))
        if not _chosen(selection, notices[-1], part):
            continue
        status = statuses.of(notices[-1].user, entry)
        for told in notices:
            state, why = _worth(told, status, entry, judge)
            said.append(_said(told, "notice", state, why))
        said += [_said(one, "reminder", "", "") for one in history.reminders.get(user_id, ())]
    if not said and (selection.users or selection.accounts or selection.ous):
        raise EmptySelection(
            "nobody who was told matches --account / --ou / --user", cure="list all notices: rollout notices"
        )
    return sorted(said, key=lambda one: (one.at, one.user_arn, one.kind))


def preview(stored: StoredPlan, progress: Progress, rules: NoticeRules, now: datetime, who: str) -> Notice:
    """Return the message that a user of the plan would get; `who` is an ARN or UserId. Raises EmptySelection."""
    entries = (entry for part in stored.accounts() for entry in part.entries)
    entry = next((entry for entry in entries if who in (entry.user.arn, entry.user.id)), None)
    if entry is None:
        raise EmptySelection(
            f"plan {stored.header.id} has no user {who}", cure="list its users: rollout show"
        )
    statuses = Statuses(stored.header, progress, rules.notified, now)
    if not _gets_notice(entry, rules, statuses):
        held = f"{entry.verdict} ({', '.join(entry.because)})"
        why = "nothing changes for them" if entry.verdict is Kind.ENFORCE else f"the verdict is {held}"
        raise EmptySelection(f"{who} would get no message: {why}", cure="rollout show --user explains it")
    filled = tuple(wave for wave, count in stored.header.waves.items() if count)
    due = due_dates(progress, filled, rules.notified.lead_time, rules.soak, now)
    judge = _Judge(rules.notified, stored.header.inventory_at, progress, now)
    lines = [
        _line(part, other, due[other.wave], judge)
        for part, other in _together(stored, entry, rules, statuses)
    ]
    return Notice(entry.address, tuple(sorted(lines, key=lambda line: (line.due, line.user.arn))))


def _find(stored: StoredPlan, who: str) -> tuple[AccountPlan, PlanEntry] | None:
    for part in stored.accounts():
        for entry in part.entries:
            if who in (entry.user.arn, entry.user.id):
                return part, entry
    return None


def _gets_notice(entry: PlanEntry, rules: NoticeRules, statuses: Statuses) -> bool:
    if entry.verdict is not Kind.ENFORCE or entry.impact is None or statuses.of(entry.user, entry).enforced:
        return False
    return rules.notified.needs_notice(entry.impact)


def _together(
    stored: StoredPlan, wanted: PlanEntry, rules: NoticeRules, statuses: Statuses
) -> Iterator[tuple[AccountPlan, PlanEntry]]:
    """Find the users of the same person in the same wave: they are told in one message."""
    address = normalised_address(wanted.address)
    for part in stored.accounts():
        for entry in part.entries:
            same = entry.wave == wanted.wave and normalised_address(entry.address) == address
            if same and _gets_notice(entry, rules, statuses):
                yield part, entry


def _line(part: AccountPlan, entry: PlanEntry, due: date, judge: _Judge) -> Line:
    """Use the announced day if that notice still counts, else the day to announce now."""
    if entry.impact is None:
        raise ValueError("only who is to be enforced is told")
    told = judge.progress.latest_notice(entry.user.id)
    if told is not None:
        worth, _ = judge.worth(told, entry)
        due = due if worth is NoticeWorth.VOID else told.due
    return Line(entry.user, part.name, entry.impact, due, entry.forecast)


def _chosen(selection: Selection, told: Told, part: AccountPlan | None) -> bool:
    user = told.user
    name, ou = (part.name, part.ou) if part else ("", "")
    return selection.takes_account(user.account_id, name, ou) and selection.takes_user(
        user.arn, user.name, user.id
    )


def _worth(told: Told, status: UserStatus, entry: PlanEntry | None, judge: _Judge) -> tuple[NoticeWorth, str]:
    """Return what a notice is worth now, and why."""
    newest = status.notice or told
    if told is not newest:
        return NoticeWorth.REPLACED, f"by the notice of {newest.at:%Y-%m-%d %H:%M} UTC"
    if status.enforced:
        placed = judge.progress.placed.get(told.user.id)
        return (
            NoticeWorth.USED,
            f"enforced {placed.at:%Y-%m-%d %H:%M} UTC" if placed else f"enforced by {status.by}",
        )
    if status.released:
        return NoticeWorth.USED, "enforced before, released now"
    if entry is None:
        return NoticeWorth.NOT_NEEDED, "no longer in the plan"
    if entry.verdict is not Kind.ENFORCE or entry.impact is None:
        return NoticeWorth.NOT_NEEDED, f"the verdict is {entry.verdict} ({', '.join(entry.because)})"
    worth, why = judge.worth(told, entry)
    if worth is NoticeWorth.COUNTS:
        opens = judge.notified.opens_at(told)
        why = "ready" if judge.now >= opens else f"ready from {opens:%Y-%m-%d %H:%M} UTC"
    return worth, why


def _said(said: Told | Reminded, kind: str, state: str, why: str) -> Said:
    return Said(
        said.at,
        kind,
        said.user.arn,
        said.user.account_id,
        said.wave,
        said.address,
        str(said.impact),
        said.due,
        str(said.delivery),
        state,
        why or said.detail,
        said.message_id,
    )
