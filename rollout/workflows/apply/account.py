"""Carries one step in one account: enter, read once, judge again, change in order, read back (DESIGN §8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from rollout.domain.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToUser,
    Change,
    CreateVersion,
    Failed,
    Outcome,
    Skipped,
    UserRef,
)
from rollout.domain.force_mfa.placing import Site, Target, enforcing, enrolling, is_placed, releasing
from rollout.domain.force_mfa.standing import State
from rollout.domain.inventory import AccountFacts, Observed
from rollout.domain.journal.records import AccountFailed, Passed
from rollout.domain.journal.replay import Progress, replay
from rollout.domain.notices import Line
from rollout.domain.organization import Account
from rollout.domain.plan import Entry
from rollout.domain.planning import groups_of
from rollout.domain.readiness import needs_notice, void
from rollout.domain.stages import Stage
from rollout.domain.users import NamedPolicy, User
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.surroundings import surroundings
from rollout.domain.verdicts.verdict import Code, Kind, Verdict
from rollout.workflows.apply.changes import Maker
from rollout.workflows.apply.guards import check_adoption
from rollout.workflows.apply.order import Order, Tally, Tools
from rollout.workflows.ports import CannotEnter, OpenAccount, Refusal


@dataclass(frozen=True, slots=True)
class Task:
    """One account's share of a step: the plan's entries of the waves in hand, and who is to be let out."""

    account: Account
    entries: tuple[Entry, ...]
    leaving: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What is the same for every account of a step. `due` is the day to tell, by wave."""

    stage: Stage
    order: Order
    tools: Tools
    maker: Maker
    progress: Progress
    library: Library
    started: datetime
    levels: Mapping[str, tuple[tuple[NamedPolicy, ...], ...]] | None
    due: Mapping[str, date]


@dataclass(slots=True)
class Done:
    """What came of a task: counts, skips by wave, and what people are to be told by which address."""

    tally: Tally = field(default_factory=Tally)
    waiting: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    lines: list[tuple[str, str, Line]] = field(default_factory=list)
    unreachable: bool = False
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class _Ready:
    entry: Entry
    user: User
    verdict: Verdict


def carry(task: Task, step: Step) -> Done:
    """Carry one account. An account that cannot be entered is journalled and answered, never raised."""
    done = Done()
    try:
        entered = step.tools.door.enter(task.account)
        progress = _settle_open(task.account.id, entered, step)
        facts = entered.read()
        _Carrier(task, replace(step, progress=progress), entered, facts, done).carry()
    except CannotEnter as refusal:
        # Also when access is lost half-way: what was done stays counted, an open intent is settled by the next run.
        now = step.tools.clock.now()
        step.tools.journal.append(
            AccountFailed(step.order.run, now, task.account.id, refusal.why, refusal.cure)
        )
        done.unreachable = True
    return done


def _settle_open(account_id: str, entered: OpenAccount, step: Step) -> Progress:
    """Settle what a run that died left open in this account, and answer what the journal says then."""
    left_open = [done for done in step.progress.open if done.intent.change.account_id == account_id]
    for done in left_open:
        step.maker.settle(done, entered)
    if not left_open:
        return step.progress
    return replay(step.tools.journal.records(), step.order.plan.header.organization_id)


class _Carrier:
    """The steps inside one account, with what they share."""

    def __init__(self, task: Task, step: Step, entered: OpenAccount, facts: AccountFacts, done: Done) -> None:
        self.task, self.step, self.entered, self.facts = task, step, entered, facts
        levels = None if step.levels is None else step.levels.get(task.account.id, ())
        self.observed = Observed(task.account, entered.role, facts, levels)
        ours = groups_of(task.account.id, step.progress.groups_made)
        self.around = surroundings(
            self.observed, step.order.rules, step.library, step.tools.clock.now(), ours
        )
        self.site = self._site()
        self.done = done

    def carry(self) -> None:
        """Judge everybody again, then change what has to change."""
        standing = self.around.standing
        if standing.policy.state is State.OURS:
            check_adoption(self.task.account.id, self.facts, standing.policy.arn, self.step.progress)
        ready = tuple(self._ready())
        if self.step.stage is Stage.NOTIFY:
            self._enrol(ready)
        else:
            self._enforce(ready)
            self._let_out()

    def _site(self) -> Site:
        rules, standing = self.step.order.rules, self.around.standing
        attached = tuple(
            user.name
            for user in self.facts.users
            if standing.policy.arn in user.attached
            or (rules.names.group in user.groups and standing.policy.arn in standing.group_has)
        )
        tags = {"rollout:tool": "rollout", "rollout:version": self.step.order.version}
        tags["rollout:plan"] = self.step.order.plan.header.id
        quota = self.facts.quotas.versions_per_policy
        return Site(self.task.account.id, standing, rules.names, rules.documents, tags, quota, attached)

    def _ready(self) -> Iterator[_Ready]:
        by_id = {user.id: user for user in self.facts.users}
        names = {user.name for user in self.facts.users}
        for entry in self.task.entries:
            user = by_id.get(entry.user.id)
            if user is None:
                other = "the name belongs to another user now" if entry.user.name in names else "deleted"
                self._pass(entry, Skipped("gone", other))
                continue
            try:
                user = self._as_of_now(user)
            except Refusal as refusal:
                self._pass(entry, Skipped("gone", refusal.why))
                continue
            verdict = judge(user, self.around, self.step.order.rules, self.step.tools.clock.now())
            why_not = self._why_not(entry, user, verdict)
            if why_not is None:
                yield _Ready(entry, user, verdict)
            else:
                self._pass(entry, why_not)

    def _as_of_now(self, user: User) -> User:
        """Ask a user's credentials live before enforcing, unless the report was made in this very run.

        Who has a password and no device is always asked: that is where a lock-out would happen (DESIGN §6).
        """
        if self.step.stage is not Stage.ENFORCE or is_placed(user, self.site):
            return user
        could_be_trapped = user.password is not None and not user.mfa_active
        if user.facts_at >= self.step.started and not could_be_trapped:
            return user
        return self.entered.credentials_now(user)

    def _why_not(self, entry: Entry, user: User, verdict: Verdict) -> Skipped | None:
        if verdict.kind is Kind.EXEMPT:
            return Skipped("exempt", verdict.reasons[0].detail)
        if verdict.kind is not Kind.ENFORCE or verdict.impact is None:
            now = "; ".join(f"{reason.code}: {reason.detail}" for reason in verdict.reasons)
            return Skipped("drift", f"was enforce ({', '.join(entry.because)}), is {verdict.kind}: {now}")
        if self.step.stage is Stage.NOTIFY:
            return None
        if is_placed(user, self.site):
            return None
        if user.id in self.step.progress.placed:
            return Skipped("released", "somebody took the user out by hand; left so")
        policy = self.around.standing.policy
        if policy.state is State.OURS and policy.braked and not policy.unfinished:
            return Skipped("released", "the brake is pulled in this account")
        now_at = self.step.tools.clock.now()
        return self.step.order.readiness.holds_back(user.id, verdict.impact, self.step.progress, now_at)

    def _enrol(self, ready: tuple[_Ready, ...]) -> None:
        helped = [case for case in ready if Code.ENROLMENT_POLICY in case.verdict.codes]
        changes = enrolling(self.site, _targets(helped))
        failed = self._make(changes, {case.user.id: case.entry for case in helped})
        for case in ready:
            if case.user.id not in failed:
                self._tell(case)

    def _tell(self, case: _Ready) -> None:
        impact, step = case.verdict.impact, self.step
        unaffected_too = step.order.rules.notice_for_unaffected
        if impact is None or not needs_notice(impact, unaffected_too=unaffected_too):
            self.done.tally.count("unaffected")
            return
        told = step.progress.last_told(case.user.id)
        if told is not None and not void(told, impact, step.tools.clock.now()):
            self.done.tally.count("already told")
            return
        line = Line(
            case.entry.user,
            self.task.account.name,
            impact,
            step.due[case.entry.wave],
            case.verdict.forecast,
        )
        self.done.lines.append((case.verdict.address, case.entry.wave, line))

    def _enforce(self, ready: tuple[_Ready, ...]) -> None:
        placed = [case for case in ready if is_placed(case.user, self.site)]
        for case in placed:
            self.done.tally.count("already enforced")
            if case.user.id not in self.step.progress.placed:
                self._note_present(case)
        moving = [case for case in ready if not is_placed(case.user, self.site)]
        if not moving:
            return
        unjudged = self._reached_by_new_version(ready)
        if unjudged:
            why = f"a new default version would also reach {', '.join(unjudged)}, who are not to be enforced"
            for case in moving:
                self._fail(case.entry, why)
            return
        changes = enforcing(self.site, _targets(moving))
        self._make(changes, {case.user.id: case.entry for case in moving})
        self._read_back(changes, {case.user.id: case.entry for case in moving})

    def _note_present(self, case: _Ready) -> None:
        standing, names = self.around.standing, self.step.order.rules.names
        ref = case.entry.user
        change: Change = AddMember(ref.account_id, names.group, ref)
        if standing.policy.arn in case.user.attached:
            change = AttachToUser(ref.account_id, ref, standing.policy.arn)
        self.step.maker.note_present(change, case.entry.wave)

    def _reached_by_new_version(self, ready: tuple[_Ready, ...]) -> list[str]:
        """Name those whom a new default version would reach and who were not found fit for it (DESIGN §5)."""
        policy = self.around.standing.policy
        if policy.state is not State.OURS or policy.current or policy.unfinished:
            return []
        fit = {case.user.name for case in ready}
        return [name for name in self.site.attached if name not in fit]

    def _let_out(self) -> None:
        by_id = {user.id: user for user in self.facts.users}
        for entry in self.task.leaving:
            user = by_id.get(entry.user.id)
            if user is None or not is_placed(user, self.site):
                continue
            verdict = judge(user, self.around, self.step.order.rules, self.step.tools.clock.now())
            if verdict.kind is Kind.EXEMPT:
                self._make(releasing(self.site, (user,)), {user.id: entry})

    def _make(self, changes: tuple[Change, ...], entries: Mapping[str, Entry]) -> set[str]:
        """Make changes in order; when one that others need fails, those others are not tried."""
        failed: set[str] = set()
        for change in changes:
            if self.step.tools.stopping():
                self.done.interrupted = True
                break
            ref = getattr(change, "user", None)
            entry = entries.get(ref.id) if isinstance(ref, UserRef) else None
            wave = entry.wave if entry else next(iter(entries.values())).wave
            outcome = self.step.maker.make(change, self.entered, wave)
            self._count(change, outcome)
            if isinstance(outcome, Failed | Skipped):
                if entry is not None:
                    failed.add(entry.user.id)
                    self._note_failure(entry, outcome)
                    continue
                why = outcome.why if isinstance(outcome, Failed) else outcome.detail
                for waiting in entries.values():
                    failed.add(waiting.user.id)
                    self._fail(waiting, f"{type(change).__name__} did not succeed: {why}", counted=True)
                break
        return failed

    def _read_back(self, changes: tuple[Change, ...], entries: Mapping[str, Entry]) -> None:
        """Look whether everybody who was added is seen there (AWS-FACTS §5)."""
        added = tuple(change for change in changes if isinstance(change, AddMember))
        direct = tuple(change for change in changes if isinstance(change, AttachToUser))
        if self.done.interrupted or self.done.failed:
            return
        seen: frozenset[str] = frozenset()
        if added:
            seen |= self.entered.members(added[0].group)
        if direct:
            seen |= self.entered.attached_users(direct[0].policy_arn)
        for ref in (*(change.user for change in added), *(change.user for change in direct)):
            if ref.id not in seen:
                self._fail(entries[ref.id], "not seen when read back")

    def _count(self, change: Change, outcome: Outcome) -> None:
        match outcome:
            case Applied():
                self.done.tally.count("writes")
                if isinstance(change, AddMember | AttachToUser):
                    self.done.tally.count(
                        "enforced" if self.step.stage is Stage.ENFORCE else "enrolment rights"
                    )
                if isinstance(change, CreateVersion) and change.attached:
                    self.done.tally.count("new default versions")
            case AlreadyInPlace():
                self.done.tally.count("already in place")
            case Failed():
                self.done.tally.count("failed")
            case Skipped():
                self.done.tally.count("skipped")

    def _note_failure(self, entry: Entry, outcome: Outcome) -> None:
        if isinstance(outcome, Failed):
            self.done.failed.add(entry.wave)

    def _fail(self, entry: Entry, why: str, *, counted: bool = False) -> None:
        self.done.failed.add(entry.wave)
        if not counted:
            self.done.tally.count("failed")
        self._journal_pass(entry, Skipped("failed", why))

    def _pass(self, entry: Entry, why: Skipped) -> None:
        self.done.tally.count(why.code)
        if why.code == "waiting":
            self.done.waiting.add(entry.wave)
        if why.code == "notice":
            self.done.untold.add(entry.wave)
        self._journal_pass(entry, why)

    def _journal_pass(self, entry: Entry, why: Skipped) -> None:
        now = self.step.tools.clock.now()
        self.step.tools.journal.append(
            Passed(self.step.order.run, now, entry.user, entry.wave, why.code, why.detail)
        )


def _targets(cases: list[_Ready]) -> tuple[Target, ...]:
    return tuple(Target(case.user, case.verdict.via) for case in cases if case.verdict.via is not None)
