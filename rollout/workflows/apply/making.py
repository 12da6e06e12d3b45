"""Makes the changes of one account in order, and looks whether they are seen there (DESIGN §8)."""

from __future__ import annotations

from dataclasses import dataclass, field

from rollout.domain.changes import (
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
    Skipped,
    UserRef,
)
from rollout.domain.stages import Stage
from rollout.workflows.apply.judging import Case, Scene
from rollout.workflows.apply.task import Done
from rollout.workflows.ports import Refusal


@dataclass(slots=True)
class Making:
    """Makes changes for some users of an account, counting into `done`.

    What is refused for one user stops nobody else; when a change that all of them need fails, they are not tried.
    """

    scene: Scene
    done: Done
    cases: tuple[Case, ...]
    failed: set[str] = field(default_factory=set)
    added: list[AddMember | AttachToUser] = field(default_factory=list)

    def make(self, changes: tuple[Change, ...]) -> None:
        """Make them in order, as many as can be made before the run is asked to stop."""
        for change in changes:
            if self.scene.step.tools.stopping():
                self.done.interrupted = True
                return
            ref = _user_of(change)
            if ref is None and (release := self._account_released()):
                self._leave_all(release)
                return
            case = self.cases[0] if ref is None else self._case(ref)
            if isinstance(change, AddMember | AttachToUser) and (release := self._released(case)):
                self._leave(case, release)
                continue
            outcome = self.scene.step.maker.make(change, self.scene.entered, case.entry.wave)
            if isinstance(outcome, Applied | AlreadyInPlace):
                self._made(change, case)
            elif ref is None:
                self._foundation_failed(change, outcome)
                return
            else:
                self._user_failed(case, outcome)

    def read_back(self) -> None:
        """Look whether everybody who was added is seen there (AWS-FACTS §5)."""
        seen: dict[str, frozenset[str]] = {}
        for change in self.added:
            match change:
                case AddMember(group=place) if place not in seen:
                    seen[place] = self.scene.entered.members(place)
                case AttachToUser(policy_arn=place) if place not in seen:
                    seen[place] = self.scene.entered.attached_users(place)
            place = change.group if isinstance(change, AddMember) else change.policy_arn
            if change.user.id in seen[place]:
                continue
            case = self._case(change.user)
            if release := self._released(case):
                self._leave(case, release)
            else:
                self.fail(case, "not seen when read back")

    def fail(self, case: Case, why: str) -> None:
        """Note that a user could not be moved, on record."""
        self.failed.add(case.user.id)
        self.done.leave(case.entry, Skipped("failed", why), self.scene.step)

    def _account_released(self) -> str:
        """Say by which release the account was let out since it was read; only enforcing minds."""
        step = self.scene.step
        return step.account_released(self.scene.task.account.id) if step.stage is Stage.ENFORCE else ""

    def _released(self, case: Case) -> str:
        step = self.scene.step
        if step.stage is not Stage.ENFORCE:
            return ""
        return step.released(case.entry.user, case.entry.wave)

    def _leave(self, case: Case, release: str) -> None:
        self.failed.add(case.user.id)
        self.done.leave(case.entry, Skipped("released", release), self.scene.step)

    def _leave_all(self, release: str) -> None:
        for case in self.cases:
            if case.user.id not in self.failed:
                self._leave(case, release)

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
            case CreateVersion(attached=attached) | SetDefaultVersion(attached=attached) if attached:
                self.done.tally.count("new default versions")
            case _:
                pass

    def _foundation_failed(self, change: Change, outcome: Outcome) -> None:
        for case in self.cases:
            self.fail(case, f"{type(change).__name__} did not succeed: {_why(outcome)}")

    def _user_failed(self, case: Case, outcome: Outcome) -> None:
        if isinstance(outcome, Skipped) and self._is_gone(case):
            self.failed.add(case.user.id)
            self.done.leave(case.entry, outcome, self.scene.step)
            return
        self.fail(case, _why(outcome))

    def _is_gone(self, case: Case) -> bool:
        """Tell a deleted user from a deleted group or policy: AWS's answer to a write does not say which."""
        try:
            self.scene.entered.credentials_now(case.user)
        except Refusal as refusal:
            return refusal.gone
        return False


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
