"""`rollout prove` as it is carried: journalled, removed whatever happens, and never where people work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from rollout.domain.progress.records import ProofIntent, ProofSettled, Proved, RunEnded, RunEnding
from rollout.domain.proof import proof_users
from rollout.domain.proof.comparing import Agreement, HowAnswered, ProofAnswer
from rollout.domain.proof.foretelling import ProofWorld, foretell
from rollout.domain.proof.proof_questions import ProofQuestion
from rollout.domain.proof.proof_record import ProofRecord
from rollout.domain.proof.proof_steps import (
    GroupRemains,
    PolicyRemains,
    ProofDocuments,
    ProofWrite,
    Remains,
    UserRemains,
    documents_of,
)
from rollout.domain.proof.proof_users import MUST_CHANGE, NO_DEVICE, WITH_TOTP, ProofNames, ProofUser
from rollout.domain.verdicts.requests import RequestEnvironment
from rollout.errors import Interrupted, ProofFailed, ProofLeft, Refused
from rollout.workflows.ports import AnswerLost, CannotEnter, Refusal, SignIn, SignInSeen, WriteReceipt
from rollout.workflows.proving.proof_run import ProofPorts, ProveOrder, clean, prove
from tests.builders import ACCOUNT, NOW, ORGANIZATION, an_account
from tests.workflows.world import DOCUMENTS, World, a_person

FIRST, SECOND = "k3f9xy", "m4p8zw"


class Killed(BaseException):
    """What a process that is killed does not survive."""


@dataclass
class Thing:
    """A user, group or policy of the fake account, and what hangs on it."""

    keys: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    password: bool = False
    groups: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)


class FakeProofAccount:
    """An account in which proofs are made; IAM refuses to delete what something still hangs on."""

    def __init__(self, world: ProofWorld) -> None:
        self.world = world
        self.users: dict[str, Thing] = {}
        self.groups: dict[str, list[str]] = {}
        self.policies: dict[str, list[str]] = {}
        self.roles: list[str] = []
        self.devices: list[str] = []
        self.calls: list[str] = []
        self.before: Callable[[int, str], None] = lambda number, name: None
        self.after: Callable[[int, str], None] = lambda number, name: None

    def for_proof(self, account: object, documents: ProofDocuments) -> FakeProofAccount:
        return self

    def after_proofs(self, account: object) -> FakeProofAccount:
        return self

    @property
    def empty(self) -> bool:
        return not (self.users or self.groups or self.policies or self.roles or self.devices)

    def make(self, write: ProofWrite) -> WriteReceipt:
        self.calls.append(write.operation)
        self.before(len(self.calls), write.operation)
        self._do(write)
        self.after(len(self.calls), write.operation)
        return WriteReceipt(f"request-{len(self.calls)}")

    remove = make

    def _do(self, write: ProofWrite) -> None:  # noqa: C901, PLR0912, PLR0915 - one case for each operation
        name, other = write.name, write.other
        match write.operation:
            case "CreateUser":
                self.users[name] = Thing()
            case "CreateAccessKey":
                self.users[name].keys.append("AKIAEXAMPLE")
            case "CreateLoginProfile":
                self.users[name].password = True
            case "CreateGroup":
                self.groups[name] = []
            case "CreatePolicy":
                self.policies[name] = []
            case "CreatePolicyVersion":
                self.policies[name].append("v1")
            case "CreateRole":
                self.roles.append(name)
            case "AttachUserPolicy":
                self.users[name].policies.append(other)
            case "AttachGroupPolicy":
                self.groups[name].append(other)
            case "AddUserToGroup":
                self.users[other].groups.append(name)
            case "SetDefaultPolicyVersion":
                pass
            case "DetachUserPolicy":
                self.users[name].policies.remove(other)
            case "DetachGroupPolicy":
                self.groups[name].remove(other)
            case "RemoveUserFromGroup":
                user = self.users[other if other in self.users else name]
                user.groups.remove(name if name in user.groups else other)
            case "DeactivateMFADevice":
                self.users[name].devices.remove(other)
                self.devices.append(other)
            case "DeleteVirtualMFADevice":
                self.devices.remove(name)
            case "DeleteAccessKey":
                self.users[name].keys.remove(other)
            case "DeleteLoginProfile":
                self.users[name].password = False
            case "DeleteUser":
                assert Thing() == self.users.pop(name), "DeleteConflict"
            case "DeleteGroup":
                assert not self.groups.pop(name), "DeleteConflict"
                assert not any(name in user.groups for user in self.users.values()), "DeleteConflict"
            case "DeletePolicyVersion":
                self.policies[name].remove(other)
            case "DeletePolicy":
                assert not self.policies.pop(name), "DeleteConflict"
                attached = [*self.groups.values(), *(user.policies for user in self.users.values())]
                assert not any(name in policies for policies in attached), "DeleteConflict"
            case "DeleteRole":
                self.roles.remove(name)
            case operation:
                raise AssertionError(operation)

    def ask(self, question: ProofQuestion, until: HowAnswered | None = None) -> ProofAnswer:
        self.calls.append(question.operation)
        self.before(len(self.calls), question.operation)
        name = f"arn:aws:iam::{ACCOUNT}:mfa/rollout-proof/{question.user.device}"
        if question.operation == "iam:CreateVirtualMFADevice" and name not in self.devices:
            self.devices.append(name)
        if question.operation == "iam:EnableMFADevice" and name in self.devices:
            self.devices.remove(name)
            self.users[question.user.name].devices.append(name)
        said = foretell(question, self.world).expected.value
        return ProofAnswer(HowAnswered(said) if said in ("allowed", "denied") else HowAnswered.ALLOWED)

    def sign_in(self, user: ProofUser) -> SignIn:
        return SignIn("https://example.com", user.name, "secret")

    def console_authorization(self) -> str:
        return "console authorization is off"

    def seen(self, user: str) -> SignInSeen:
        return SignInSeen(NOW, tuple(self.users[user].devices))

    def remains(self, expecting: frozenset[str] = frozenset()) -> Remains:
        users = [
            UserRemains(
                name,
                tuple(one.keys),
                tuple(one.devices),
                one.password,
                tuple(one.groups),
                tuple(one.policies),
            )
            for name, one in self.users.items()
        ]
        groups = [GroupRemains(name, tuple(policies)) for name, policies in self.groups.items()]
        policies = [PolicyRemains(name, tuple(versions)) for name, versions in self.policies.items()]
        return Remains(
            tuple(users),
            tuple(groups),
            tuple(policies),
            tuple(self.roles),
            tuple(self.devices),
            ("stranger",),
        )


class KeptProofs:
    """Keeps the records that are saved."""

    def __init__(self) -> None:
        self.saved: list[ProofRecord] = []

    def save(self, record: ProofRecord) -> tuple[str, str]:
        self.saved.append(record)
        return f"proofs/{record.stem}.json", "0" * 64


def an_order(proof_id: str = FIRST, *, in_use_ok: bool = False, guided: bool = False) -> ProveOrder:
    documents = documents_of(ProofNames(proof_id, guided), "aws", ACCOUNT, DOCUMENTS)
    world = ProofWorld(ACCOUNT, RequestEnvironment("aws", ORGANIZATION, NOW, {}), documents)
    return ProveOrder(an_account(), "aws", "sha256:policy", documents, world, in_use_ok=in_use_ok)


class FakeGuide:
    """Somebody who tries everything and sees what the evaluator foretells; the passkey is enrolled."""

    def __init__(self, account: FakeProofAccount | None = None, *, there: bool = True) -> None:
        self.account, self.there = account, there
        self.walked: list[str] = []

    def walk(self, question: ProofQuestion, sign_in: SignIn) -> HowAnswered:
        self.walked.append(question.operation)
        if not self.there or self.account is None:
            return HowAnswered.NOT_TRIED
        if question.by_hand and not question.by_hand.prompt:
            self.account.users[question.user.name].devices.append("arn:aws:iam::1:u2f/user/visitor/key")
            return HowAnswered.OTHER
        said = foretell(question, self.account.world).expected.value
        return HowAnswered(said) if said in ("allowed", "denied") else HowAnswered.ALLOWED


def a_world() -> World:
    return World(a_person("alice"))


def run_of(world: World, name: str = "prove-1"):
    return world.run(id=name)


def carry(
    world: World,
    account: FakeProofAccount,
    order: ProveOrder,
    name: str = "prove-1",
    guide: FakeGuide | None = None,
) -> KeptProofs:
    store = KeptProofs()
    prove(order, [an_account()], ProofPorts(account, store, guide or FakeGuide()), run_of(world, name))
    return store


def test_a_proof_removes_everything_and_records_what_was_answered():
    world, order = a_world(), an_order()
    account = FakeProofAccount(order.world)
    (record,) = carry(world, account, order).saved
    assert account.empty
    assert (ACCOUNT, "sha256:policy", ORGANIZATION) == (
        record.account_id,
        record.policy,
        record.organization_id,
    )
    assert not record.bad
    (proved,) = [one for one in world.journal.records() if isinstance(one, Proved)]
    assert (len(record.answers), (), ()) == (proved.answers, proved.bad, proved.unanswered)


def test_every_write_is_in_the_journal_before_it_is_made_and_its_outcome_after():
    world, order = a_world(), an_order()
    account = FakeProofAccount(order.world)
    writes = 0

    def before(_: int, operation: str) -> None:
        nonlocal writes
        if ":" not in operation:
            writes += 1
            records = list(world.journal.records())
            assert isinstance(records[-1], ProofIntent)
            assert records[-1].write.startswith(operation)
            assert writes - 1 == sum(isinstance(one, ProofSettled) for one in records)

    account.before = before
    carry(world, account, order)
    assert writes


class Short(ProveOrder):
    """The writes, and the questions that leave something behind: so that it can be killed at each of them."""

    __slots__ = ()

    def steps(self) -> tuple[ProofWrite | ProofQuestion, ...]:
        leaving = ("iam:CreateVirtualMFADevice", "iam:EnableMFADevice")
        steps = super().steps()
        return tuple(one for one in steps if isinstance(one, ProofWrite) or one.operation in leaving)


@pytest.mark.parametrize("when", ["before", "after"])
def test_whenever_it_is_killed_everything_that_is_left_can_be_removed(
    when: str, monkeypatch: pytest.MonkeyPatch
):
    """At every write: while the proof is made, and while it is removed."""
    monkeypatch.setattr(proof_users, "PERSONAS", (NO_DEVICE, WITH_TOTP, MUST_CHANGE))
    whole, moment = an_order(), 0
    order = Short(whole.account, whole.partition, whole.policy, whole.documents, whole.world)
    finished = False
    while not finished:
        moment += 1
        world, account = a_world(), FakeProofAccount(order.world)

        def kill(number: int, _: str, moment: int = moment) -> None:
            if number == moment:
                raise Killed

        setattr(account, when, kill)
        try:
            carry(world, account, order)
            finished = moment > len(account.calls)
        except Killed:
            assert ACCOUNT in world.journal.progress(ORGANIZATION).proofs_begun.values()
        setattr(account, when, lambda number, name: None)
        clean([an_account()], account, run_of(world, "clean-1"))
        assert account.empty
        assert {} == world.journal.progress(ORGANIZATION).proofs_begun
    assert moment > 80


def test_a_proof_first_removes_what_a_killed_one_left():
    world, first, second = a_world(), an_order(FIRST), an_order(SECOND)
    account = FakeProofAccount(first.world)

    def kill(number: int, _: str) -> None:
        if number == 60:
            raise Killed

    account.before = kill
    with pytest.raises(Killed):
        carry(world, account, first)
    assert account.users
    assert {FIRST: ACCOUNT} == world.journal.progress(ORGANIZATION).proofs_begun
    account.before, account.world = (lambda number, name: None), second.world
    carry(world, account, second, "prove-2")
    assert account.empty
    assert {} == world.journal.progress(ORGANIZATION).proofs_begun


@pytest.mark.parametrize("problem", [Refusal("AccessDenied: no"), AnswerLost("no answer")])
def test_a_write_that_fails_ends_the_proof_and_removes_it(problem: Exception):
    world, order = a_world(), an_order()
    account = FakeProofAccount(order.world)

    def refuse(_: int, operation: str) -> None:
        if operation == "AddUserToGroup":
            raise problem

    account.before = refuse
    with pytest.raises(ProofFailed, match="could not be made, and was removed"):
        carry(world, account, order)
    assert account.empty
    assert not [one for one in world.journal.records() if isinstance(one, Proved)]


def test_an_operator_who_stops_it_leaves_nothing():
    world, order = a_world(), an_order()
    account = FakeProofAccount(order.world)
    run = replace(run_of(world), stopping=lambda: len(account.calls) > 100)
    with pytest.raises(Interrupted):
        prove(order, [an_account()], ProofPorts(account, KeptProofs(), FakeGuide()), run)
    assert account.empty
    ended = [one for one in world.journal.records() if isinstance(one, RunEnded)]
    assert RunEnding.INTERRUPTED == ended[-1].ending


def test_what_cannot_be_removed_is_named_with_the_command_that_removes_it():
    world, order = a_world(), an_order()
    account = FakeProofAccount(order.world)

    def refuse(_: int, operation: str) -> None:
        if operation == "DeleteRole":
            raise Refusal("DeleteRole: AccessDenied")

    account.before = refuse
    with pytest.raises(ProofLeft, match="rollout-proof-k3f9xy-role: DeleteRole: AccessDenied") as caught:
        carry(world, account, order)
    assert f"rollout prove --account {ACCOUNT} --clean" == caught.value.cure
    assert {FIRST: ACCOUNT} == world.journal.progress(ORGANIZATION).proofs_begun


def test_an_account_that_cannot_be_entered_is_an_error_with_its_cure():
    class Shut(FakeProofAccount):
        def after_proofs(self, account: object) -> FakeProofAccount:
            raise CannotEnter("AccessDenied for role X", "create it")

    with pytest.raises(ProofFailed, match="AccessDenied for role X") as caught:
        carry(a_world(), Shut(an_order().world), an_order())
    assert "create it" == caught.value.cure


def test_where_people_are_enforced_nothing_is_proved_unless_that_is_wanted():
    world = World(a_person("alice")).ripe()
    world.enforce()
    account = FakeProofAccount(an_order().world)
    with pytest.raises(Refused, match="1 user of account") as caught:
        carry(world, account, an_order())
    assert "--yes-in-use" in caught.value.cure
    assert not account.calls
    assert carry(world, account, an_order(in_use_ok=True)).saved


def by_hand(store: KeptProofs) -> dict[str, Agreement]:
    (record,) = store.saved
    return {one.question: one.agreement for one in record.answers if one.topic == "by hand, in a browser"}


def test_what_needs_a_browser_is_recorded_as_not_tried_unless_somebody_does():
    order = an_order()
    guide = FakeGuide()
    answers = by_hand(carry(a_world(), FakeProofAccount(order.world), order, guide=guide))
    assert 7 == len(answers)
    assert {Agreement.NOT_TRIED} == {*answers.values()}
    assert [] == guide.walked


def test_somebody_who_tries_it_is_asked_and_what_aws_shows_is_kept_beside():
    order = an_order(guided=True)
    account = FakeProofAccount(order.world)
    store = carry(a_world(), account, order, guide=FakeGuide(account))
    assert {Agreement.AGREED} == {*by_hand(store).values()}
    (passkey,) = [one for one in store.saved[0].answers if "EnableMFADevice, browser" in one.question]
    assert ("allowed", "password last used 2026-11-24 09:00 UTC; 1 MFA devices, 1 of them new") == (
        passkey.answered,
        passkey.detail,
    )
    assert account.empty


def test_without_a_terminal_nobody_can_try_it():
    order = an_order(guided=True)
    account = FakeProofAccount(order.world)
    answers = by_hand(carry(a_world(), account, order, guide=FakeGuide(account, there=False)))
    assert {Agreement.NOT_TRIED} == {*answers.values()}
    assert account.empty
