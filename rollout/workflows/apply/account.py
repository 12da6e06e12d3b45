"""What `apply` wants of one account: who may move, who is told, and who is left alone and why.

See design.md#stages-and-gates, design.md#plan-file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.guard import unfit
from rollout.domain.actions.writes import Write, enforcing, enrolling, renewing, taking_out
from rollout.domain.gates.readiness import needs_notice, worth_of
from rollout.domain.people.organization import Account
from rollout.domain.people.users import User, UserRef
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.plan.impact_counts import Affected
from rollout.domain.policy.changes import (
    AddMember,
    AttachToUser,
    Change,
    CreateVersion,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.policy.our_resources import OTHER_STORE_CURE
from rollout.domain.progress.messages import Line, NoticeWorth
from rollout.domain.progress.reminders import enforced_lately, mark_due
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Code, Impact, Kind
from rollout.workflows.account_run import AccountCommand, AccountWork, Wanted
from rollout.workflows.account_run.failure_budgets import Budgets
from rollout.workflows.apply.order import Counted, Order, OutcomeTally
from rollout.workflows.apply.sending import DueNotice
from rollout.workflows.ports import CannotEnter

BY_HAND = "somebody removed the user by hand; left as is"


@dataclass(frozen=True, slots=True)
class Step:
    """What all accounts of a step share. `due` is the time to tell, by wave."""

    stage: Stage
    order: Order
    due: Mapping[str, datetime]
    budgets: Budgets


@dataclass(slots=True)
class WaveMarks:
    """The waves in which a user reached the stage, still waits, was not told, or failed."""

    moved: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)


class ApplyToAccount(AccountCommand):
    """One account's share of a step: the plan's entries of the waves due, and the users to release again."""

    counts_people = True

    def __init__(
        self, account: Account, entries: Sequence[PlanEntry], leaving: Sequence[PlanEntry], step: Step
    ) -> None:
        """Share out; nothing is counted yet."""
        super().__init__(account)
        self.entries, self.step = tuple(entries), step
        self.leaving = tuple(leaving)
        self._size = len(self.entries) + len(self.leaving)
        self.tally = OutcomeTally()
        self.waves = WaveMarks()
        self.notices: list[DueNotice] = []
        self.reminders: list[DueNotice] = []
        self.enforced: list[DueNotice] = []
        self._announcements: dict[str, DueNotice] = {}
        self.affected: dict[str, Affected] = {}  # by UserId: users enforced, and users who need no notice
        self.to_tell: dict[str, Affected] = {}  # by UserId: the users of `notices`
        self._placing: dict[str, Affected] = {}
        self._entry_of = {entry.user.id: entry for entry in (*self.entries, *self.leaving)}
        self._coming: tuple[User, ...] = ()
        self._by_hand: set[str] = set()
        self._moving: tuple[User, ...] = ()

    @property
    def size(self) -> int:
        """How many users this is about."""
        return self._size

    def forget(self) -> None:
        """Let go of the plan's entries and of the users as they were read; what came of them is kept."""
        self.entries = self.leaving = ()
        self._coming = self._moving = ()
        self._entry_of = {}

    def wave_of(self, at: AccountWork, user: User) -> str:
        """Name the wave that the plan puts a user in."""
        return self._entry_of[user.id].wave

    def wants(self, at: AccountWork) -> Wanted:
        """Judge everybody again, then say what has to change.

        Raises CannotEnter where a policy stands at our path that the journal does not know: the other accounts go on.
        """
        if unknown := at.context.ours.unknown:
            at.result.begun = False  # nothing there is ours to finish
            raise CannotEnter(f"account {self.account.id}: {unknown}", cure=OTHER_STORE_CURE)
        going = self._judged_again(at)
        if at.result.interrupted:
            return Wanted()
        context = at.context
        placed = tuple(user for user in going if context.is_in_force(user))
        self._coming = tuple(user for user in going if not context.is_in_force(user))
        for user in placed:
            self._settle(user.id, Counted.ALREADY_ENFORCED)
            if enforced_lately(at.progress, user.id, at.run.now()):  # a run died before it told them
                self._prepare(user, at, context)
                self._announce(user.id)
        return self._enrolment(context) if self.step.stage is Stage.NOTIFY else self._enforcement(at, placed)

    # --- What comes of it ---

    def wrote(self, write: Write) -> None:
        """Count a write."""
        self.tally.count(Counted.WRITES)
        match write.change:
            case AddMember(user=ref) | AttachToUser(user=ref):
                if self.step.stage is Stage.ENFORCE:
                    self._settle(ref.id, Counted.ENFORCED)
                    self.affected[ref.id] = self._placing[ref.id]
                    self._announce(ref.id)
                else:
                    self._settle(ref.id, Counted.ENROLMENT_RIGHTS)
            case RemoveMember(user=ref) | DetachFromUser(user=ref) if not write.to_return:
                self.tally.count_user(Counted.LET_OUT, ref.id)
            case CreateVersion(attached=attached) | SetDefaultVersion(attached=attached) if attached:
                self.tally.count(Counted.NEW_VERSIONS)
            case _:
                pass

    def kept_released(self, at: AccountWork, users: Collection[User], *, by_brake: bool) -> None:
        """Count who was let out once more."""
        super().kept_released(at, users, by_brake=by_brake)
        for user in users:
            self.tally.count_user(Counted.LET_OUT_AGAIN, user.id)
        if by_brake:
            self.tally.count(Counted.BRAKES)

    def leaves(self, user: UserRef, wave: str, why: Skipped) -> None:
        """Count a user who is left alone in this run."""
        self.tally.count_user(why.code, user.id)
        match why.code:
            case SkipCode.WAITING | SkipCode.GATE:
                self.waves.waiting.add(wave)
            case SkipCode.NOTICE:
                self.waves.untold.add(wave)
            case SkipCode.FAILED | SkipCode.BUDGET:
                self.waves.failed.add(wave)
            case _:
                pass

    def held_back(self, at: AccountWork, why: str) -> None:
        """Count a new version for users enforced before; users still to be enforced are counted already."""
        if not self._coming:
            self.tally.count(Counted.VERSIONS_HELD_BACK)

    def why_not(self, at: AccountWork, user: User) -> Skipped | None:
        """Judge somebody who was asked live just now; who may not move is Skipped, with the reason."""
        context = at.context_now()
        why = self._why_not(user, at, context)
        if why is None:
            self._placing[user.id] = self._affected(user, context)
            self._prepare(user, at, context)
        return why

    def _prepare(self, user: User, at: AccountWork, context: AccountContext) -> None:
        """Prepare to tell somebody that the time has come, who was told of it before."""
        told = at.progress.latest_notice(user.id)
        if self.step.stage is Stage.ENFORCE and self.step.order.announces and told is not None:
            line = self._line(user, context, told.due)
            self._announcements[user.id] = DueNotice(context.verdict(user).addressee, told.wave, line)

    def _announce(self, user_id: str) -> None:
        if user_id in self._announcements:
            self.enforced.append(self._announcements.pop(user_id))

    def _settle(self, user_id: str, what: Counted) -> None:
        """Count a user who is where the stage wants them."""
        self.tally.count_user(what, user_id)
        self.waves.moved.add(self._entry_of[user_id].wave)

    def _affected(self, user: User, context: AccountContext) -> Affected:
        impact = context.verdict(user).impact or Impact.NONE
        told = needs_notice(impact, unaffected_too=context.rules.notice_for_unaffected)
        return Affected(user.ref, self._entry_of[user.id].wave, impact, user.has_device, told)

    # --- Judging again ---

    def _judged_again(self, at: AccountWork) -> tuple[User, ...]:
        """Find who goes on, as far as was read; everybody else is left alone, on record.

        Who goes on is asked live when they are placed; who does not may have been read wrong, and is asked first.
        """
        present = tuple(self._present(at))
        at.ask_live(user for user in present if self._may_be_read_wrong(user, at))
        if at.result.interrupted:
            return ()
        context, ids = at.context, {user.id for user in present}
        going = []
        for user in context.facts.users:
            if user.id not in ids or at.is_left(user):
                continue
            why_not = self._why_not(user, at, context)
            if why_not is None:
                going.append(user)
            else:
                if why_not.detail == BY_HAND:
                    self._by_hand.add(user.id)
                at.leave(user.ref, self.wave_of(at, user), why_not)
        return tuple(going)

    def _present(self, at: AccountWork) -> Iterator[User]:
        users = at.context.facts.users
        by_id, names = {user.id: user for user in users}, {user.name for user in users}
        for entry in self.entries:
            user = by_id.get(entry.user.id)
            if user is not None:
                yield user
                continue
            other = "the name belongs to another user now" if entry.user.name in names else "deleted"
            at.leave(entry.user, entry.wave, Skipped(SkipCode.GONE, other))

    def _may_be_read_wrong(self, user: User, at: AccountWork) -> bool:
        """Tell whether a user would be left for what the credential report, which may be hours old, says of them."""
        if self.step.stage is not Stage.ENFORCE or at.context.is_under_policy(user):
            return False
        why = self._why_not(user, at, at.context)
        return why is not None and why.code in (SkipCode.DRIFT, SkipCode.NOTICE)

    def _why_not(self, user: User, at: AccountWork, context: AccountContext) -> Skipped | None:
        """Say why a user is left alone; None when they go on."""
        verdict, step, entry = context.verdict(user), self.step, self._entry_of[user.id]
        placed = context.is_under_policy(user)
        if verdict.kind is Kind.EXEMPT:
            return Skipped(SkipCode.EXEMPT, verdict.reasons[0].detail)
        # Under a foreign policy that says the same, whom we placed is covered by it: that is no drift.
        if verdict.kind is not Kind.ENFORCE and not (placed and verdict.kind is Kind.COVERED):
            now = "; ".join(f"{reason.code}: {reason.detail}" for reason in verdict.reasons)
            return Skipped(
                SkipCode.DRIFT, f"was enforce ({', '.join(entry.because)}), is {verdict.kind}: {now}"
            )
        enforces = placed or step.stage is Stage.ENFORCE
        if enforces and (release := at.release_of(user.ref, entry.wave)):
            return Skipped(SkipCode.RELEASED, release)
        # A release that is over took the policy off the group, and the user is in it still.
        with_the_group = context.release_over and context.ours.group.name in user.groups
        if not placed and user.id in at.progress.placed and not with_the_group:
            return Skipped(SkipCode.RELEASED, BY_HAND)
        if context.is_braked and enforces:
            return Skipped(SkipCode.RELEASED, "the brake is pulled in this account")
        if step.stage is Stage.NOTIFY or context.is_in_force(user) or verdict.impact is None:
            return None
        readiness, who, now_at = step.order.readiness, context.recipient(user), at.run.now()
        if placed:  # but not in effect: a release is over, or somebody has edited the policy
            return readiness.keeps_out(who, at.progress, now_at)
        if readiness.comes_back(who, at.progress, now_at):
            return None
        return readiness.holds_back(who, at.progress, now_at)

    # --- Notices ---

    def _enrolment(self, context: AccountContext) -> Wanted:
        """Let people enrol who cannot yet."""
        helped = [user for user in self._coming if Code.ENROLMENT_POLICY in context.verdict(user).codes]
        writes = tuple(Write(change) for change in enrolling(context, helped))
        return Wanted(writes, self._people(helped))

    def finish(self, at: AccountWork) -> None:
        """Find the users to tell, and what to tell them."""
        if self.step.stage is Stage.NOTIFY:
            for user in self._coming:
                if not at.is_left(user):
                    self._tell(user, at)

    def _tell(self, user: User, at: AccountWork) -> None:
        context, order, entry = at.context, self.step.order, self._entry_of[user.id]
        verdict, rules, progress = context.verdict(user), context.rules, at.progress
        impact = verdict.impact
        if impact is None or not needs_notice(impact, unaffected_too=rules.notice_for_unaffected):
            self._settle(user.id, Counted.UNAFFECTED)
            self.affected[user.id] = self._affected(user, context)
            return
        now, told = at.run.now(), progress.latest_notice(user.id)
        if told is None or worth_of(told, context.recipient(user), now)[0] is NoticeWorth.VOID:
            line = self._line(user, context, self.step.due[entry.wave])
            self.notices.append(DueNotice(verdict.addressee, entry.wave, line))
            self.to_tell[user.id] = self._affected(user, context)
            return
        self._settle(user.id, Counted.ALREADY_TOLD)
        mark = mark_due(told, order.remind_at, progress.reminded.get(user.id, ()), now)
        if mark is not None:
            # The time told stands, whatever somebody else of the wave would be told now.
            line = self._line(user, context, told.due)
            self.reminders.append(DueNotice(verdict.addressee, entry.wave, line, mark))

    def _line(self, user: User, context: AccountContext, due: datetime) -> Line:
        entry, verdict = self._entry_of[user.id], context.verdict(user)
        impact = verdict.impact or Impact.NONE
        return Line(entry.user, self.account.name, impact, due, verdict.situation)

    # --- Enforcement ---

    def _enforcement(self, at: AccountWork, placed: tuple[User, ...]) -> Wanted:
        """Put under the policy who is to come under it, bring today's document to the others, let the exempt go."""
        context, coming = at.context, self._coming
        moving = self._moving = tuple(self._within_budget(coming, at))
        changes: tuple[Change, ...] = ()
        if moving:
            changes = enforcing(context, moving)
        elif placed and not coming:
            changes = renewing(context)
        writes = (
            *self._already_in_place(placed, at),
            *(Write(change) for change in changes),
            *(Write(change) for change in taking_out(context, self._exempt_now(context))),
        )
        fit = frozenset(user.id for user in (*placed, *coming))
        return Wanted(writes, self._people(moving or placed), fit, frozenset(self._by_hand))

    def _within_budget(self, users: Sequence[User], at: AccountWork) -> Iterator[User]:
        """Leave those of waves that were stopped, so that no policy or group is made for nobody."""
        budgets = self.step.budgets
        for user in users:
            wave = self.wave_of(at, user)
            if budgets.spent(wave):
                at.leave(user.ref, wave, Skipped(SkipCode.BUDGET, budgets.describe(wave)))
            else:
                yield user

    def _already_in_place(self, placed: Sequence[User], at: AccountWork) -> Iterator[Write]:
        """Put on record who is under the policy and of whom the journal does not know, or knows a failure."""
        context, progress = at.context, at.progress
        arn, group = context.ours.policy.arn, context.ours.group.name
        for user in placed:
            if user.id not in progress.placed or user.id in progress.failing:
                change: Change = AddMember(self.account.id, group, user.ref)
                if arn in user.attached:
                    change = AttachToUser(self.account.id, user.ref, arn)
                yield Write(change, self.wave_of(at, user), in_place=True)

    def _exempt_now(self, context: AccountContext) -> Iterator[User]:
        leaving = {entry.user.id for entry in self.leaving}
        for user in context.facts.users:
            enforced = user.id in leaving and context.is_under_policy(user)
            if enforced and context.verdict(user).kind is Kind.EXEMPT:
                yield user

    def _people(self, users: Sequence[User]) -> dict[UserRef, str]:
        return {user.ref: self._entry_of[user.id].wave for user in users}


class PreviewAccount(ApplyToAccount):
    """The same decisions without the writes, to find out for whom a run would write. Needs the run of a rehearsal."""

    def wants(self, at: AccountWork) -> Wanted:
        """Keep who would be enforced, and want no writes. Raises CannotEnter as `ApplyToAccount` does."""
        wanted, context = super().wants(at), at.context
        changes = (one.change for one in wanted.writes)
        if self.step.stage is Stage.ENFORCE and not (
            wanted.fit and unfit(context, changes, wanted.fit, wanted.stay)
        ):
            self.affected = {user.id: self._affected(user, context) for user in self._moving}
        return Wanted()
