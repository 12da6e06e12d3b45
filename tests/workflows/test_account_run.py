"""One runner: at each of its steps the same thing has the same effect, whichever command is at work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import pytest

from rollout.domain.gates import Tolerance
from rollout.domain.people.observations import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account
from rollout.domain.people.users import Credential, User, UserRef
from rollout.domain.policy.changes import AddMember, Change, Failed, RemoveMember, SetDefaultVersion, user_of
from rollout.domain.policy.made import Made
from rollout.domain.progress.records import AccountFailed, RunEnded, Settled, UserSkipped
from rollout.domain.progress.stages import Stage
from rollout.errors import LockHeld
from rollout.workflows.ports import AnswerLost, CannotEnter, LivePage, OpenAccount, Refusal, WriteReceipt
from tests.builders import ACCOUNT, GROUP, POLICY, a_ref
from tests.fakes import Trouble
from tests.workflows.operator import Operator
from tests.workflows.test_release import OTHER, carried
from tests.workflows.world import ENROLMENT_GROUP, World, a_person, an_enroller, placements

PEOPLE = {"alice", "bob", "carl", "olga"}
HERE = PEOPLE - {"olga"}
RIVAL = "ben on desktop-3 (process 815)"


class Step(StrEnum):
    """Where the runner is in the first account when something happens."""

    ENTER = "before enter"
    READ = "after read"
    WRITE = "before the second user's write"
    READ_BACK = "before read back"


class Event(StrEnum):
    """What happens."""

    RELEASE_USER = "bob is released"
    RELEASE_ACCOUNT = "the account is released"
    STOP = "somebody asks to stop"
    LOST_LOCK = "somebody takes the lock"
    UNREACHABLE = "the account cannot be reached any more"


@dataclass
class Moment:
    """Lets the event happen once, when the runner comes to the step; keeps what was begun in the account after it."""

    step: Step
    happens: Callable[[], object]
    happened: bool = False
    unreachable: bool = False
    writes: int = 0
    begun_after: list[Change] = field(default_factory=list)

    def come(self, step: Step) -> None:
        if step is self.step and not self.happened:
            self.happened = True
            self.happens()

    def check_access(self) -> None:
        if self.unreachable:
            raise CannotEnter("the network is gone", "bring it back")


class WatchedAccount:
    """The first account, as a command sees it (fills `OpenAccount`)."""

    def __init__(self, inner: OpenAccount, moment: Moment) -> None:
        self.inner, self.moment = inner, moment

    @property
    def role(self) -> str:
        return self.inner.role

    def read(self) -> AccountFacts:
        facts = self.inner.read()
        self.moment.come(Step.READ)
        return facts

    def credentials_now(self, user: User, only: Collection[Credential] = ()) -> User:
        self.moment.check_access()
        return self.inner.credentials_now(user, only)

    def page_now(self, users: Mapping[str, User], after: str, size: int, *, devices: bool = True) -> LivePage:
        self.moment.check_access()
        return self.inner.page_now(users, after, size, devices=devices)

    def user_named(self, name: str) -> UserRef | None:
        self.moment.check_access()
        return self.inner.user_named(name)

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        self.moment.check_access()
        return self.inner.holds(change, patiently=patiently)

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        self.moment.check_access()
        return self.inner.members(group, expecting)

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        self.moment.check_access()
        found = self.inner.attached_users(policy_arn, expecting)
        self.moment.come(Step.READ)  # the last look of a release, which reads no more than it needs
        return found

    def dependents(self, policy_arn: str) -> tuple[str, ...]:
        self.moment.check_access()
        return self.inner.dependents(policy_arn)

    def policies_at(self, path: str) -> tuple[str, ...]:
        self.moment.check_access()
        return self.inner.policies_at(path)

    def groups_with(self, policy_arn: str) -> tuple[str, ...]:
        self.moment.check_access()
        return self.inner.groups_with(policy_arn)

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        self.moment.check_access()
        return self.inner.policy(policy_arn)

    def make(self, change: Change) -> WriteReceipt:
        if self.moment.happened:
            self.moment.begun_after.append(change)
        if user_of(change) is not None:
            self.moment.writes += 1
            if self.moment.writes == 1:
                self.moment.come(Step.WRITE)
            if self.moment.writes == len(HERE):
                self.moment.come(Step.READ_BACK)
        if self.moment.unreachable:
            raise AnswerLost("connection reset")
        return self.inner.make(change)


class WatchedAccess:
    """The way into accounts, watched at the first of them (fills `AccountAccess`)."""

    def __init__(self, world: World, moment: Moment) -> None:
        self.inner, self.moment = world.access, moment

    def enter(self, account: Account, made: Made | None = None) -> OpenAccount:
        if account.id != ACCOUNT:
            return self.inner.enter(account, made)
        self.moment.come(Step.ENTER)
        self.moment.check_access()
        return WatchedAccount(self.inner.enter(account, made), self.moment)


def everybody() -> tuple[User, ...]:
    here = (a_person(name) for name in sorted(HERE))
    return (*here, a_person("olga", account_id=OTHER))


def ripe() -> World:
    return World(*everybody()).ripe()


def enforced() -> World:
    return carried(World(*everybody()))


def without_rights() -> World:
    here = (an_enroller(name) for name in sorted(HERE))
    return World(*here, an_enroller("olga", account_id=OTHER)).planned()


def taken_out_by_hand() -> World:
    world = enforced()
    for account_id, account in world.accounts.items():
        for user in account.facts.users:
            account.make(RemoveMember(account_id, GROUP, user.ref))
        account.written.clear()
    return world


def released() -> World:
    world = enforced()
    operator = Operator(world)
    operator.release(operator.wave("rest"))
    for account in world.accounts.values():
        account.written.clear()
    return world


@dataclass(frozen=True)
class Command:
    """One of the five commands that write, in a world in which it has something to do for everybody.

    `enforces`: people are under the policy when it is done; else they are not. `locked`: it holds the lock.
    """

    name: str
    world: Callable[[], World]
    carry: Callable[[Operator, WatchedAccess], Any]
    enforces: bool
    locked: bool = True
    about: str = "enforcement"

    def there(self, world: World) -> set[str]:
        """Names of those for whom the command has done what it is about."""
        if self.about == "enrolment":
            return {
                user.name
                for account in world.accounts.values()
                for user in account.facts.users
                if ENROLMENT_GROUP in user.groups
            }
        return world.enforced if self.enforces else PEOPLE - world.enforced


def apply_to(stage: Stage) -> Callable[[Operator, WatchedAccess], Any]:
    return lambda operator, access: operator.world.apply(
        stage, operator.world.run(marker=operator.marker, access=access)
    )


NOTIFY = Command(
    "apply --stage notify", without_rights, apply_to(Stage.NOTIFY), enforces=False, about="enrolment"
)
ENFORCE = Command("apply --stage enforce", ripe, apply_to(Stage.ENFORCE), enforces=True)
FIX = Command(
    "verify --fix memberships",
    taken_out_by_hand,
    lambda operator, access: operator.fix(memberships=True, access=access),
    enforces=True,
)
END = Command(
    "release --end",
    released,
    lambda operator, access: operator.end(operator.wave("rest"), access=access),
    enforces=True,
)
RELEASE = Command(
    "release",
    enforced,
    lambda operator, access: operator.release(operator.wave("rest"), access=access),
    enforces=False,
    locked=False,
)
ROLLBACK = Command(
    "rollback", enforced, lambda operator, access: operator.roll_back(access=access), enforces=False
)
COMMANDS = (NOTIFY, ENFORCE, FIX, END, RELEASE, ROLLBACK)


@dataclass
class Story:
    """What one command came to when an event happened at a step."""

    world: World
    moment: Moment
    lock_lost: str

    @property
    def ending(self) -> str:
        """How the run ended; releases that came in between ended before it."""
        return str(self.world.records(RunEnded)[-1].ending)


def tell(command: Command, step: Step, event: Event) -> Story:
    world = command.world()
    operator = Operator(world)
    colleague = Operator(world, operator.marker, runs=100)

    def happens() -> None:
        match event:
            case Event.RELEASE_USER:
                colleague.release(colleague.users(world.person("bob").arn))
            case Event.RELEASE_ACCOUNT:
                colleague.release(colleague.accounts(ACCOUNT))
            case Event.STOP:
                world.stopping = lambda: True
            case Event.LOST_LOCK:
                world.lock.holder = RIVAL
            case Event.UNREACHABLE:
                moment.unreachable = True

    moment = Moment(step, happens)
    try:
        command.carry(operator, WatchedAccess(world, moment))
    except LockHeld as lost:
        return Story(world, moment, str(lost))
    return Story(world, moment, "")


def names(values: Any) -> Any:
    return values.name if isinstance(values, Command) else str(values)


at_each_step = pytest.mark.parametrize("step", list(Step), ids=names)
by_each_command = pytest.mark.parametrize("command", COMMANDS, ids=names)


@by_each_command
def test_undisturbed_everybody_is_where_the_command_wants_them(command: Command):
    story = tell(command, Step.ENTER, Event.UNREACHABLE)
    assert {"olga"} == command.there(story.world)
    story.moment.unreachable = False
    command.carry(Operator(story.world, runs=200), WatchedAccess(story.world, story.moment))
    assert command.there(story.world) == PEOPLE


# --- A release ---


@at_each_step
@pytest.mark.parametrize("command", [ENFORCE, FIX, END], ids=names)
def test_who_is_released_meanwhile_is_not_enforced_and_the_others_are(command: Command, step: Step):
    story = tell(command, step, Event.RELEASE_USER)
    assert story.moment.happened
    assert PEOPLE - {"bob"} == story.world.enforced
    assert "bob" not in placements(story.moment.begun_after)


@at_each_step
@pytest.mark.parametrize("command", [ENFORCE, FIX, END], ids=names)
def test_in_an_account_that_is_released_meanwhile_nobody_is_enforced(command: Command, step: Step):
    story = tell(command, step, Event.RELEASE_ACCOUNT)
    assert story.moment.happened
    assert ({"olga"}, []) == (story.world.enforced, placements(story.moment.begun_after))


@at_each_step
@pytest.mark.parametrize("event", [Event.RELEASE_USER, Event.RELEASE_ACCOUNT], ids=names)
@pytest.mark.parametrize("command", [NOTIFY, RELEASE, ROLLBACK], ids=names)
def test_what_enforces_nobody_is_held_back_by_no_release(command: Command, step: Step, event: Event):
    story = tell(command, step, event)
    assert story.moment.happened
    assert command.there(story.world) == PEOPLE


@pytest.mark.parametrize("command", [ENFORCE, FIX, END], ids=names)
def test_who_is_released_while_their_own_write_is_in_hand_is_taken_out_again(command: Command):
    """A write may be retried for minutes; the release looked before it had its effect, and found nobody to let out."""
    world = command.world()
    operator = Operator(world)
    colleague = Operator(world, operator.marker, runs=100)
    left = [lambda: colleague.release(colleague.users(world.person("bob").arn))]

    def meanwhile(change: Change) -> None:
        if isinstance(change, AddMember) and change.user.name == "bob" and left:
            left.pop()()

    world.account.before_write = meanwhile
    command.carry(operator, WatchedAccess(world, Moment(Step.ENTER, lambda: None)))
    assert PEOPLE - {"bob"} == world.enforced
    assert RemoveMember(ACCOUNT, GROUP, a_ref("bob")) in world.written
    assert a_ref("bob").id not in world.done.placed


def test_an_account_that_is_released_while_its_version_is_put_in_force_is_braked_again():
    world = enforced()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT))
    colleague = Operator(world, operator.marker, runs=100)
    left = [lambda: colleague.release(colleague.accounts(ACCOUNT))]

    def meanwhile(change: Change) -> None:
        if isinstance(change, SetDefaultVersion) and left:
            left.pop()()

    world.account.before_write = meanwhile
    operator.end(operator.accounts(ACCOUNT))
    assert {"olga"} == world.enforced
    versions = [one.version_id for one in world.account.written if isinstance(one, SetDefaultVersion)]
    assert ["v1", "v2", "v1"] == versions


# --- A stop, and a lost lock ---


@at_each_step
@by_each_command
def test_asked_to_stop_it_finishes_the_change_in_hand_and_begins_no_other(command: Command, step: Step):
    story = tell(command, step, Event.STOP)
    assert ([], "interrupted") == (story.moment.begun_after, story.ending)
    assert "olga" not in command.there(story.world)


@at_each_step
@pytest.mark.parametrize("command", [one for one in COMMANDS if one.locked], ids=names)
def test_without_its_lock_it_finishes_the_change_in_hand_and_begins_no_other(command: Command, step: Step):
    story = tell(command, step, Event.LOST_LOCK)
    assert ([], "lock lost") == (story.moment.begun_after, story.ending)
    assert "olga" not in command.there(story.world)
    assert "this run lost its lock and stopped; ben on desktop-3" in story.lock_lost


@at_each_step
def test_a_release_holds_no_lock_and_goes_on_whoever_has_it(step: Step):
    """It differs on purpose: whoever lets people out waits for nobody, and nobody takes the way out from them."""
    story = tell(RELEASE, step, Event.LOST_LOCK)
    assert (set(), "done", "") == (story.world.enforced, story.ending, story.lock_lost)


# --- An account out of reach ---


@at_each_step
@by_each_command
def test_an_account_out_of_reach_is_on_record_with_its_cure_and_stops_no_other(command: Command, step: Step):
    story = tell(command, step, Event.UNREACHABLE)
    (failed,) = story.world.records(AccountFailed)
    assert (ACCOUNT, "the network is gone", "bring it back") == (
        failed.account_id,
        failed.reason,
        failed.cure,
    )
    assert "olga" in command.there(story.world)
    assert len(story.moment.begun_after) <= 3, "no answer: what is in hand is tried, and looked for"
    assert "in part" == story.ending


# --- Failures ---


def is_back(change: Change) -> bool:
    return isinstance(change, AddMember) and change.group == GROUP


@pytest.mark.parametrize("command", [ENFORCE, FIX, END], ids=names)
def test_a_failure_counts_against_the_budget_of_the_wave_whichever_command_meets_it(command: Command):
    world = command.world()
    world.gates = world.gates.changed(failure_tolerance=Tolerance(0, 100))
    world.account.fail(Trouble.REFUSED, is_back, times=9)
    before = len([change for change in world.attempted if is_back(change)])
    command.carry(Operator(world), WatchedAccess(world, Moment(Step.ENTER, lambda: None)))
    assert 1 == len([change for change in world.attempted if is_back(change)]) - before
    left = {skipped.user.name: skipped.code for skipped in world.records(UserSkipped)}
    assert {"bob": "budget", "carl": "budget", "olga": "budget"} == left
    assert {a_ref("alice").id} == set(world.done.failing)


THROTTLED = Refusal(
    "Throttling: Rate exceeded", attempts=9, code="Throttling", request_id="r-1", cure="run it again later"
)


@pytest.mark.parametrize("command", [ENFORCE, FIX, END, RELEASE, ROLLBACK], ids=names)
def test_a_throttled_write_is_journalled_once_with_its_attempts_code_and_cure(command: Command):
    world = command.world()
    make = world.account.make

    def throttled(change: Change) -> WriteReceipt:
        if isinstance(change, AddMember | RemoveMember) and change.user.name == "bob":
            raise THROTTLED
        return make(change)

    world.account.make = throttled  # type: ignore[method-assign]  # the fake has no such trouble
    at = len(world.journal.kept)
    command.carry(Operator(world), WatchedAccess(world, Moment(Step.ENTER, lambda: None)))
    news = world.journal.kept[at:]
    outcomes = [one.outcome for one in news if isinstance(one, Settled) and isinstance(one.outcome, Failed)]
    assert [Failed("Throttling: Rate exceeded", 9, "Throttling", "r-1", "run it again later")] == outcomes
    assert [] == [one for one in news if isinstance(one, UserSkipped) and one.user.name == "bob"]
    assert {a_ref("bob").id: "rest"} == world.done.failing


# --- Whoever is put back is asked live, and judged as in apply ---


@pytest.mark.parametrize("command", [FIX, END], ids=names)
def test_who_has_lost_the_device_since_the_report_is_not_put_back(command: Command):
    """The phone is gone, the password was reset; the credential report of four hours ago says that all is well."""
    world = command.world()
    report = world.person("bob")
    assert report.password is not None
    reset = replace(report.password, reset_required=True)
    world.change("bob", mfa_active=False, devices=(), password=reset)
    rights = world.person("bob")
    believed = replace(rights, mfa_active=True, devices=report.devices, password=report.password)
    world.account.report = lambda user: believed if user.name == "bob" else user
    command.carry(Operator(world), WatchedAccess(world, Moment(Step.ENTER, lambda: None)))
    assert PEOPLE - {"bob"} == world.enforced


def test_an_account_is_put_back_but_for_somebody_who_has_lost_the_device_since_the_report():
    world = enforced()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT))
    report = world.person("bob")
    assert report.password is not None
    reset = replace(report.password, reset_required=True)
    world.change("bob", mfa_active=False, devices=(), password=reset)
    believed = replace(world.person("bob"), mfa_active=True, devices=report.devices, password=report.password)
    world.account.report = lambda user: believed if user.name == "bob" else user
    result = operator.end(operator.accounts(ACCOUNT))
    assert PEOPLE - {"bob"} == world.enforced
    (left,) = result.accounts[0].left
    assert (world.person("bob").arn, "is hold now: first-sign-in") == (left.what, left.why[:26])


@pytest.mark.parametrize("command", [FIX, END], ids=names)
def test_who_was_told_of_something_milder_is_not_put_back(command: Command):
    """Bob had a device when he was enforced, and nobody had to tell him anything."""
    world = command.world()
    world.change("bob", mfa_active=False, devices=(), inline=an_enroller("bob", helped=False).inline)
    command.carry(Operator(world), WatchedAccess(world, Moment(Step.ENTER, lambda: None)))
    assert PEOPLE - {"bob"} == world.enforced
    (skipped,) = world.records(UserSkipped)
    assert ("bob", "notice") == (skipped.user.name, skipped.code)


# --- What was placed is looked for ---


@pytest.mark.parametrize("command", [ENFORCE, FIX, END], ids=names)
def test_who_is_not_seen_when_read_back_has_failed(command: Command):
    world = command.world()
    world.account.unseen = frozenset({a_ref("bob").id})
    command.carry(Operator(world), WatchedAccess(world, Moment(Step.ENTER, lambda: None)))
    (skipped,) = world.records(UserSkipped)
    assert ("bob", "not seen when read back") == (skipped.user.name, skipped.detail)
    assert {a_ref("bob").id: "rest"} == world.done.failing


def test_a_default_version_that_is_not_seen_when_read_back_has_failed_those_whom_it_was_for():
    world = enforced()
    operator = Operator(world)
    operator.release(operator.accounts(ACCOUNT))
    holds = world.account.holds
    world.account.holds = lambda change, *, patiently=False: (  # type: ignore[method-assign]  # IAM is late
        not (isinstance(change, SetDefaultVersion) and patiently) and holds(change, patiently=patiently)
    )
    result = operator.end(operator.accounts(ACCOUNT))
    assert ["SetDefaultVersion: not seen when read back"] == result.accounts[0].failed
    assert {a_ref(name).id for name in HERE} == set(world.done.failing)
    world.account.holds = holds  # type: ignore[method-assign]  # it shows now
    world.pull_the_brake()
    operator.end(operator.accounts(ACCOUNT))
    assert (PEOPLE, {}) == (world.enforced, world.done.failing)
    assert POLICY in world.account.facts.policies
