"""Makes the changes of one account in order, and looks whether they are seen there (design.md#apply-journal-store)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToUser,
    Change,
    CreateVersion,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
    UserRef,
)
from rollout.domain.progress.stages import Stage
from rollout.workflows.apply.judging import Case, Scene
from rollout.workflows.apply.task import Done
from rollout.workflows.ports import Refusal


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one user's change; `outcome` None: not begun, for the run was asked to stop."""

    outcome: Outcome | None


@dataclass(slots=True)
class Making:
    """Makes changes for some users of an account, counting into `done`.

    What is refused for one user stops nobody else; when a change that all of them need fails, they are not tried.
    Policies and groups come first, one after the other; then users, a few at a time, as far as the failure budget of
    their wave goes.
    """

    scene: Scene
    done: Done
    cases: tuple[Case, ...]
    failed: set[str] = field(default_factory=set)
    added: list[AddMember | AttachToUser] = field(default_factory=list)

    def make(self, changes: tuple[Change, ...]) -> None:
        """Make them in order, as many as can be made before the run is asked to stop."""
        if all(self._lay(change) for change in changes if _user_of(change) is None):
            self._move([change for change in changes if _user_of(change) is not None])

    def read_back(self) -> None:
        """Look whether everybody who was added is seen there (aws-facts.md#eventual-consistency)."""
        seen: dict[str, frozenset[str]] = {}
        for change in self.added:
            match change:
                case AddMember(group=place) if place not in seen:
                    seen[place] = self.scene.entered.members(place, self._added(place))
                case AttachToUser(policy_arn=place) if place not in seen:
                    seen[place] = self.scene.entered.attached_users(place, self._added(place))
            if change.user.id in seen[_place_of(change)]:
                continue
            case = self._case(change.user)
            if release := self._released(case):
                self._leave(case, Skipped(SkipCode.RELEASED, release))
            else:
                self.fail(case, "not seen when read back")

    def _added(self, place: str) -> frozenset[str]:
        """Name the UserIds that were added in one place."""
        return frozenset(change.user.id for change in self.added if _place_of(change) == place)

    def fail(self, case: Case, why: str) -> None:
        """Note that a user could not be moved, on record."""
        self.scene.step.budgets.fail(case.entry.wave, case.user.id)
        self._leave(case, Skipped(SkipCode.FAILED, why))

    def _lay(self, change: Change) -> bool:
        """Make one change that all of them need; tell whether they can go on."""
        step = self.scene.step
        while self._waiting:
            wave = self._waiting[0].entry.wave
            with step.budgets.change(wave) as begun:
                if not begun:
                    self._leave_all(Skipped(SkipCode.BUDGET, step.budgets.said(wave)), wave)
                    continue
                if step.watch.ends():
                    self.done.interrupted = True
                    return False
                if release := self._account_released():
                    self._leave_all(Skipped(SkipCode.RELEASED, release))
                    return False
                outcome = step.maker.make(change, self.scene.entered, wave)
                if isinstance(outcome, Applied | AlreadyInPlace):
                    self._laid(change)
                    return True
                for case in self._waiting:
                    self.fail(case, f"{type(change).__name__} did not succeed: {_why(outcome)}")
        return False

    @property
    def _waiting(self) -> Sequence[Case]:
        """Those whom nothing has kept back so far."""
        return [case for case in self.cases if case.user.id not in self.failed]

    def _laid(self, change: Change) -> None:
        self.done.tally.count("writes")
        match change:
            case CreateVersion(attached=attached) | SetDefaultVersion(attached=attached) if attached:
                self.done.tally.count("new default versions")
            case _:
                pass

    def _move(self, changes: Sequence[Change]) -> None:
        """Make the changes of users, several at a time; what comes of them is counted here, in one thread."""
        by_id = {case.user.id: case for case in self.cases}
        work = [(change, by_id[ref.id]) for change in changes if (ref := _user_of(change)) is not None]
        work = [(change, case) for change, case in work if case.user.id not in self.failed]
        finished = 0
        for (change, case), tried in self._several(work):
            finished += 1
            self._take(change, case, tried)
        if finished < len(work):
            self.done.interrupted = True

    def _several(self, work: Sequence[tuple[Change, Case]]) -> Iterator[tuple[tuple[Change, Case], Tried]]:
        if len(work) == 1:  # no thread for that
            yield work[0], self._try(work[0])
            return
        yield from self.scene.step.tools.within.map(self._try, work)

    def _try(self, item: tuple[Change, Case]) -> Tried:
        """Make one user's change, in whichever thread."""
        change, case = item
        step, wave = self.scene.step, case.entry.wave
        placing = isinstance(change, AddMember | AttachToUser)
        with step.budgets.change(wave) as begun:
            if not begun:
                return Tried(Skipped(SkipCode.BUDGET, step.budgets.said(wave)))
            if step.watch.ends():
                return Tried(None)
            if placing and (release := self._released(case)):
                return Tried(Skipped(SkipCode.RELEASED, release))
            outcome = step.maker.make(change, self.scene.entered, wave)
            if isinstance(outcome, Applied | AlreadyInPlace):
                step.budgets.mend(wave, case.user.id)
                return Tried(outcome)
            if isinstance(outcome, Skipped) and self._is_gone(case):
                return Tried(outcome)
            # Before the change counts as ended: who comes next has to know.
            step.budgets.fail(wave, case.user.id)
            return Tried(Failed(_why(outcome)))

    def _take(self, change: Change, case: Case, tried: Tried) -> None:
        """Count what came of one user's change."""
        match tried.outcome:
            case None:
                self.done.interrupted = True
                return
            case Applied() | AlreadyInPlace():
                self._made(change, case)
            case Failed(why=why):
                self.fail(case, why)
            case Skipped() as why_not:
                self._leave(case, why_not)
        if isinstance(change, AddMember | AttachToUser):
            self.done.count_one(self.scene.step)

    def _account_released(self) -> str:
        """Say by which release the account was let out since it was read; only enforcing minds."""
        step = self.scene.step
        return step.account_released(self.scene.task.account.id) if step.stage is Stage.ENFORCE else ""

    def _released(self, case: Case) -> str:
        step = self.scene.step
        if step.stage is not Stage.ENFORCE:
            return ""
        return step.released(case.entry.user, case.entry.wave)

    def _leave(self, case: Case, why: Skipped) -> None:
        self.failed.add(case.user.id)
        self.done.leave(case.entry, why, self.scene.step)

    def _leave_all(self, why: Skipped, wave: str | None = None) -> None:
        for case in self._waiting:
            if wave in (None, case.entry.wave):
                self._leave(case, why)

    def _case(self, ref: UserRef) -> Case:
        return next(case for case in self.cases if case.user.id == ref.id)

    def _made(self, change: Change, case: Case) -> None:
        self.done.tally.count("writes")
        match change:
            case AddMember() | AttachToUser():
                self.added.append(change)
                word = "enforced" if self.scene.step.stage is Stage.ENFORCE else "enrolment rights"
                self.done.settle(case.entry, word)
            case RemoveMember() | DetachFromUser():
                self.done.tally.count_user("let out", case.user.id)
            case _:
                pass

    def _is_gone(self, case: Case) -> bool:
        """Tell a deleted user from a deleted group or policy: AWS's answer to a write does not say which."""
        try:
            self.scene.entered.credentials_now(case.user)
        except Refusal as refusal:
            return refusal.gone
        return False


def _place_of(change: AddMember | AttachToUser) -> str:
    return change.group if isinstance(change, AddMember) else change.policy_arn


def _user_of(change: Change) -> UserRef | None:
    match change:
        case AddMember(user=ref) | RemoveMember(user=ref) | AttachToUser(user=ref) | DetachFromUser(user=ref):
            return ref
        case _:
            return None


def _why(outcome: Outcome) -> str:
    match outcome:
        case Failed(why=why):
            return why
        case Skipped(detail=detail):
            return detail
        case _:
            return ""
