"""Derives the state of one user; every command reads it here, so that all of them give the same numbers.

*Queued*, *told*, *enforced* and *released* mean what design.md#glossary says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.domain.gates.readiness import Notified, worth_of
from rollout.domain.people.users import UserRef
from rollout.domain.plan.entries import Header, PlanEntry
from rollout.domain.policy.changes import Failed, SkipCode
from rollout.domain.progress.messages import NoticeWorth
from rollout.domain.progress.projection import RELEASED, Done, KnownEnforcement, Progress
from rollout.domain.progress.records import AccountFailed, Enforcement, Told, UserSkipped
from rollout.domain.progress.release_state import user_release
from rollout.domain.status.state_codes import UserState
from rollout.domain.verdicts.verdict import Impact, Kind

NOT_YET = frozenset({Enforcement.NEVER, Enforcement.NOT_FOUND, Enforcement.UNDONE})


@dataclass(frozen=True, slots=True)
class UserStatus:
    """The state of one user now.

    `wave` and `verdict` are the plan's; they are empty and None if the user is not in the plan. `enforced_in` is the
    wave in which the user was enforced if the journal knows it, else the plan's. `by` names what enforces, or did so
    until the release. `notice` is the latest one, delivered or not. `failed` says what went wrong if `state` is
    `failed`, and `skipped` why a run left the user alone if it is `skipped`. `waits_for` says what has to happen next
    for an `enforce` user who is not enforced; it is empty for all others.
    """

    user: UserRef
    wave: str
    enforced_in: str
    verdict: Kind | None
    enforcement: Enforcement
    by: str
    notice: Told | None
    deadlocked: bool
    state: UserState
    waits_for: str = ""
    failed: Failed | None = None
    skipped: SkipCode | None = None

    @property
    def queued(self) -> bool:
        """Tell whether the latest notice was handed to a channel that cannot say whether it arrived."""
        return self.notice is not None and not (self.notice.delivery.failed or self.notice.delivered)

    @property
    def told(self) -> bool:
        """Tell whether the latest notice was delivered."""
        return self.notice is not None and self.notice.delivered

    @property
    def enforced(self) -> bool:
        """Tell whether the user is under our policy now."""
        return self.enforcement is Enforcement.ENFORCED

    @property
    def to_come(self) -> bool:
        """Tell whether the plan enforces MFA on the user, and nothing has done so yet or the wave was rolled back."""
        return self.verdict is Kind.ENFORCE and self.enforcement in NOT_YET

    @property
    def enforced_by(self) -> str:
        """Name what of ours enforces; empty if nothing does."""
        return self.by if self.enforced else ""

    @property
    def released(self) -> bool:
        """Tell whether the user was enforced by this tool and is let out now."""
        return self.enforcement in RELEASED

    @property
    def state_code(self) -> str:
        """Spell the state as `users.csv` does."""
        return f"skipped({self.skipped})" if self.skipped is not None else str(self.state)


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """Numbers of users in one wave or one account."""

    users: int
    queued: int
    told: int
    enforced: int
    released: int


def counts_of(statuses: Iterable[UserStatus]) -> StatusCounts:
    """Count users by state."""
    all_ = tuple(statuses)
    return StatusCounts(
        len(all_),
        sum(status.queued for status in all_),
        sum(status.told for status in all_),
        sum(status.enforced for status in all_),
        sum(status.released for status in all_),
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The state of a user, and what has to happen next."""

    state: UserState
    waits_for: str
    failed: Failed | None = None
    skipped: SkipCode | None = None


class Statuses:
    """Derives the state of every user of one plan; a command makes one of it.

    `gates` says by wave which gates stop it, as far as the journal knows.
    """

    def __init__(
        self,
        header: Header,
        progress: Progress,
        notified: Notified,
        now: datetime,
        gates: Mapping[str, str] | None = None,
    ) -> None:
        self._header = header
        self._progress = progress
        self._notified = notified
        self._now = now
        self._gates = gates or {}
        self._order = {run: number for number, run in enumerate(progress.runs)}

    def of(
        self, user: UserRef, entry: PlanEntry | None = None, seen: KnownEnforcement | None = None
    ) -> UserStatus:
        """Derive the state of one user. `entry` is the plan's, and `seen` what a look at AWS has just found."""
        known = self._known(user, entry, seen)
        waiting = self._state(user, entry, known)
        return UserStatus(
            user,
            entry.wave if entry else "",
            known.wave,
            entry.verdict if entry else None,
            known.enforcement,
            known.by,
            self._progress.latest_notice(user.id),
            user.id in self._progress.releases.deadlocked,
            waiting.state,
            waiting.waits_for,
            waiting.failed,
            waiting.skipped,
        )

    # --- Enforced, released, or neither ---

    def _known(
        self, user: UserRef, entry: PlanEntry | None, seen: KnownEnforcement | None
    ) -> KnownEnforcement:
        """Find the newest known enforcement: from the look, else from the journal or the plan's inventory."""
        known = self._of_journal_or_plan(user, entry)
        if seen is not None:
            known = replace(seen, wave=known.wave, by=seen.by or known.by)
        if known.enforcement in RELEASED and not known.by:
            return replace(
                known, enforcement=Enforcement.NEVER
            )  # a user who was never enforced is not released
        return known

    def _of_journal_or_plan(self, user: UserRef, entry: PlanEntry | None) -> KnownEnforcement:
        taken_at = self._header.inventory_at
        known = self._progress.enforcement_of(user.account_id, user.id)
        planned = entry.enforced_by_us if entry else ""
        wave = known.wave if known else entry.wave if entry else ""
        by = planned or (known.by if known else "")
        if known and (entry is None or known.at >= taken_at or known.plan_id == self._header.id):
            return KnownEnforcement(user, known.at, known.enforcement, wave, known.by or by)
        if planned:
            return self._progress.braked(KnownEnforcement(user, taken_at, Enforcement.ENFORCED, wave, by))
        if known is None:
            return KnownEnforcement(user, taken_at, Enforcement.NEVER, wave)
        # The inventory did not find enforced a user whom the journal has as enforced: somebody took them out by hand.
        out = Enforcement.TAKEN_OUT if known.enforcement is Enforcement.ENFORCED else known.enforcement
        return KnownEnforcement(user, taken_at, out, wave, by)

    # --- UserState ---

    def _state(self, user: UserRef, entry: PlanEntry | None, known: KnownEnforcement) -> _Waiting:
        if entry is not None and entry.verdict is Kind.COVERED:
            return _Waiting(UserState.COVERED, "")
        if known.enforcement is Enforcement.ENFORCED:
            return _Waiting(UserState.ENFORCED, "")
        if entry is None:
            return _Waiting(UserState.RELEASED if known.enforcement in RELEASED else UserState.UNPLANNED, "")
        if entry.verdict is Kind.HOLD:
            return _Waiting(UserState.HELD, "")
        if entry.verdict is Kind.EXEMPT:
            over = entry.exempt_until is not None and entry.exempt_until < self._now.date()
            return _Waiting(UserState.EXEMPTION_OVER if over else UserState.EXEMPT, "")
        return self._waiting(user, entry, known)

    def _waiting(self, user: UserRef, entry: PlanEntry, known: KnownEnforcement) -> _Waiting:
        last = self._progress.last_change.get(user.id)
        if last and self._is_later(last):
            if last.outcome is None:
                return _Waiting(UserState.UNSETTLED, "the next run: one was cut off during a change")
            if isinstance(last.outcome, Failed):
                return _Waiting(UserState.FAILED, f"another try: {last.outcome.why}", last.outcome)
        if known.enforcement in RELEASED:
            return _Waiting(UserState.RELEASED, self._end_of_release(user, known))
        if known.enforcement is Enforcement.WITHOUT_EFFECT:
            return _Waiting(
                UserState.DRIFTED, "rollout verify --fix: the policy in AWS does not deny what it should"
            )
        told, skip = self._progress.latest_notice(user.id), self._progress.last_skip.get(user.id)
        if known.enforcement is Enforcement.GONE and (skip is None or skip.code is not SkipCode.GONE):
            return _Waiting(UserState.SKIPPED, "a new plan: the user was deleted", skipped=SkipCode.GONE)
        failure = self._progress.last_failure.get(user.account_id)
        if known.enforcement is Enforcement.UNDONE:  # earlier skips and failures no longer matter
            skip = skip if skip and skip.at > known.at else None
            failure = failure if failure and failure.at > known.at else None
        match self._newest(told, skip, failure):
            case AccountFailed(reason=reason, cure=cure):
                why = f"its account, which could not be entered: {reason}"
                return _Waiting(UserState.FAILED, why, Failed(reason, cure=cure))
            case UserSkipped(code=SkipCode.FAILED, detail=detail):
                return _Waiting(UserState.FAILED, f"another try: {detail}", Failed(detail))
            case UserSkipped(code=code, detail=detail) if code is not SkipCode.WAITING or told is None:
                return _Waiting(UserState.SKIPPED, f"{code}: {detail}" if detail else str(code), skipped=code)
            case None:
                notice = "its wave's turn" if entry.impact is Impact.NONE else "a notice"
                return _Waiting(UserState.WAITING, self._gates.get(entry.wave) or notice)
            case _:
                return self._after_notice(entry, told)

    def _is_later(self, done: Done) -> bool:
        """Tell whether a change is too recent for the plan's inventory to show it."""
        at, header = done.settled_at, self._header
        return at is None or at >= header.inventory_at or done.started.plan_id == header.id

    def _end_of_release(self, user: UserRef, known: KnownEnforcement) -> str:
        releases = self._progress.releases
        if user_release(releases.records, user.account_id, user.id, known.wave, self._now):
            return "the end of the release"
        if user.id in releases.to_return or user.account_id in releases.braked:
            return "the next enforce run, or rollout verify --fix: the release is over"
        return "rollout release --end: the user was released by hand"

    def _newest(
        self, *events: Told | UserSkipped | AccountFailed | None
    ) -> Told | UserSkipped | AccountFailed | None:
        """Find what happened last; within one run, the later argument: a skip says more than the notice before it."""
        there = [(self._order.get(event.run, -1), place) for place, event in enumerate(events) if event]
        return events[max(there)[1]] if there else None

    def _after_notice(self, entry: PlanEntry, told: Told | None) -> _Waiting:
        if told is None or told.delivery.failed:
            why = told.detail if told else ""
            return _Waiting(UserState.UNDELIVERED, f"a notice that arrives: {why or 'the last one failed'}")
        state = UserState.TOLD if told.delivered else UserState.QUEUED
        who = self._notified.planned_recipient(entry, self._header.inventory_at, self._progress, self._now)
        worth, why = worth_of(told, who, self._now)
        if worth is NoticeWorth.VOID:
            return _Waiting(state, f"a new notice: {why}")
        if self._now < told.due:
            return _Waiting(state, f"the date told: {told.due:%Y-%m-%d %H:%M} UTC")
        if self._now < (opens := self._notified.opens_at(told)):
            return _Waiting(state, f"the end of the lead time: {opens:%Y-%m-%d %H:%M} UTC")
        if worth is NoticeWorth.UNPROVEN:
            return _Waiting(state, "proof that the notice was delivered")
        return _Waiting(state, self._gates.get(entry.wave) or "the next enforce run")
