"""One suite for everything that fills the ports: AWS through boto3, the rehearsal around it, and the fakes.

The fakes are seeded with what was read of the embedded organization, so all three start from the same account.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rollout.aws.connect.account_access import AwsAccountAccess
from rollout.aws.connect.aws_clock import AwsClock
from rollout.aws.connect.identity import WhoAmI
from rollout.aws.connect.organizations import AwsOrganization
from rollout.aws.write.rehearsed_access import RehearsedAccess
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.organization import policy_arn
from rollout.domain.people.users import User, UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.policy.our_resources import Names
from rollout.sandbox.serving.server import Sandbox
from rollout.workflows.ports import (
    AccountAccess,
    CannotEnter,
    OpenAccount,
    OrganizationPort,
    PolicyLevels,
    Refusal,
)
from tests.fakes import FakeAccount, FakeClock, FakeDoor, FakeOrganization

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
PAYMENTS, ACQUIRED = "333344445555", "200030004000"
GROUP, PATH = "ForceMFA", "/rollout/"
ARN = policy_arn("aws", PAYMENTS, PATH, "ForceMFA")
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "One", "Effect": "Allow", "Action": ["iam:GetUser"], "Resource": "*"}],
}
SAME = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:getuser", "Resource": ["*"]}}
FULL = {
    "Version": "2012-10-17",
    "Statement": [*ALLOW["Statement"], {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}],
}

MAKE_POLICY = CreatePolicy(PAYMENTS, ARN, "ForceMFA", PATH, ALLOW, {"tool": "rollout"})
MAKE_VERSION = CreateVersion(PAYMENTS, ARN, FULL)
MAKE_GROUP = CreateGroup(PAYMENTS, GROUP, PATH)
ATTACH = AttachToGroup(PAYMENTS, GROUP, ARN)
KINDS = ("aws", "rehearsal", "fake")
writing = pytest.mark.parametrize("kind", ["aws", "fake"])
rehearsing = pytest.mark.parametrize("kind", ["rehearsal"])


class Ground:
    """One account of the embedded organization, and three ways in: to write, to rehearse, to a fake of it."""

    def __init__(self) -> None:
        retries = Retries(sleep=lambda _: None)
        connection = Connection()
        who = WhoAmI(connection, retries)
        self.live = AwsOrganization(connection, retries=retries, who=who)
        caller = self.live.caller()
        self.listed = self.live.accounts()
        self.payments = next(account for account in self.listed if account.id == PAYMENTS)
        self.acquired = next(account for account in self.listed if account.id == ACQUIRED)
        clock = AwsClock(who)
        self.reading = AwsAccountAccess(connection, caller, clock, Names(), writing=False, retries=retries)
        self.writing = AwsAccountAccess(connection, caller, clock, Names(), writing=True, retries=retries)
        opened = self.reading.enter(self.payments)
        facts = opened.read()
        self.seeded = replace(facts, users=tuple(opened.credentials_now(user) for user in facts.users))

    def access(self, kind: str) -> AccountAccess:
        if kind == "aws":
            return self.writing
        if kind == "rehearsal":
            return RehearsedAccess(self.reading)
        return FakeDoor([FakeAccount(self.payments, self.seeded, FakeClock(NOW))])

    def organization(self, kind: str) -> OrganizationPort:
        if kind == "aws":
            return self.live
        levels = self.live.policy_levels(self.listed)
        return FakeOrganization(self.live.organization(), self.live.caller(), self.listed, levels)

    def tidy(self) -> None:
        """Take down what a test left in AWS."""
        opened = self.writing.enter(self.payments)
        facts = opened.read()
        for user in facts.users:
            if GROUP in user.groups:
                opened.make(RemoveMember(PAYMENTS, GROUP, ref(user)))
            if ARN in user.attached:
                opened.make(DetachFromUser(PAYMENTS, ref(user), ARN))
        if GROUP in facts.groups:
            for arn in facts.groups[GROUP].attached:
                opened.make(DetachFromGroup(PAYMENTS, GROUP, arn))
            opened.make(DeleteGroup(PAYMENTS, GROUP))
        if ARN in facts.policies:
            for version in facts.policies[ARN].versions:
                if not version.is_default:
                    opened.make(DeleteVersion(PAYMENTS, ARN, version.id))
            opened.make(DeletePolicy(PAYMENTS, ARN))


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with (
        Sandbox.start(NOW, instance="contract", ticking=False) as sandbox,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        yield Ground()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def access(ground: Ground, kind: str) -> Iterator[AccountAccess]:
    yield ground.access(kind)
    if kind == "aws":
        ground.tidy()


@pytest.fixture
def account(ground: Ground, access: AccountAccess) -> OpenAccount:
    return access.enter(ground.payments)


@pytest.fixture
def user(account: OpenAccount) -> User:
    return account.read().users[0]


def ref(user: User) -> UserRef:
    return UserRef(PAYMENTS, user.name, user.id, user.arn)


def make(account: OpenAccount, *changes: Change) -> None:
    for change in changes:
        assert account.make(change).request_id


def test_a_whole_enforcement_stands_and_is_read_back(account: OpenAccount, user: User):
    changes: list[Change] = [
        MAKE_POLICY,
        MAKE_VERSION,
        MAKE_GROUP,
        ATTACH,
        AddMember(PAYMENTS, GROUP, ref(user)),
    ]
    assert not any(account.holds(change) for change in changes)
    make(account, *changes)
    assert all(account.holds(change) for change in changes)
    assert frozenset({user.id}) == account.members(GROUP).keys()
    facts = account.read()
    assert (GROUP in facts.groups, PATH) == (True, facts.groups[GROUP].path)
    assert (ARN,) == facts.groups[GROUP].attached
    assert GROUP in facts.users[0].groups
    policy = facts.policies[ARN]
    assert ("ForceMFA", PATH, ["v2", "v1"]) == (policy.name, policy.path, [one.id for one in policy.versions])
    assert policy.default is not None
    assert FULL == policy.default.document


def test_the_brake_is_pulled_and_let_go(account: OpenAccount):
    make(account, MAKE_POLICY, MAKE_VERSION)
    pull, let_go = SetDefaultVersion(PAYMENTS, ARN, "v1"), SetDefaultVersion(PAYMENTS, ARN, "v2")
    assert (False, True) == (account.holds(pull), account.holds(let_go))
    make(account, pull)
    assert (True, False) == (account.holds(pull), account.holds(let_go))
    assert account.holds(MAKE_POLICY)
    assert not account.holds(MAKE_VERSION)
    make(account, let_go)
    assert account.holds(MAKE_VERSION)


def test_the_same_document_in_other_words_is_the_same(account: OpenAccount):
    make(account, MAKE_POLICY)
    assert account.holds(replace(MAKE_POLICY, document=SAME))
    assert account.holds(CreateVersion(PAYMENTS, ARN, SAME))
    assert not account.holds(CreateVersion(PAYMENTS, ARN, FULL))


def test_a_policy_on_a_user_is_attached_and_detached(account: OpenAccount, user: User):
    attach, detach = AttachToUser(PAYMENTS, ref(user), ARN), DetachFromUser(PAYMENTS, ref(user), ARN)
    make(account, MAKE_POLICY, attach)
    assert account.holds(attach)
    assert not account.holds(detach)
    assert frozenset({user.id}) == account.attached_users(ARN).keys()
    assert () == account.dependents(ARN)
    make(account, detach)
    assert account.holds(detach)
    assert frozenset() == account.attached_users(ARN).keys()
    assert user.attached == account.read().users[0].attached


def test_everything_can_be_taken_down_again(account: OpenAccount, user: User):
    before = account.read()
    member = AddMember(PAYMENTS, GROUP, ref(user))
    make(account, MAKE_POLICY, MAKE_VERSION, MAKE_GROUP, ATTACH, member)
    down: list[Change] = [
        RemoveMember(PAYMENTS, GROUP, ref(user)),
        DetachFromGroup(PAYMENTS, GROUP, ARN),
        DeleteGroup(PAYMENTS, GROUP),
        SetDefaultVersion(PAYMENTS, ARN, "v1"),
        DeleteVersion(PAYMENTS, ARN, "v2"),
        DeletePolicy(PAYMENTS, ARN),
    ]
    for change in down:
        make(account, change)
        assert account.holds(change)
    after = account.read()
    assert before.groups == after.groups
    assert before.policies == after.policies
    assert [one.groups for one in before.users] == [one.groups for one in after.users]


def test_joining_and_attaching_twice_is_no_error(account: OpenAccount, user: User):
    member = AddMember(PAYMENTS, GROUP, ref(user))
    make(account, MAKE_POLICY, MAKE_GROUP, ATTACH, ATTACH, member, member)
    assert frozenset({user.id}) == account.members(GROUP).keys()


def test_what_is_not_there_holds_nothing_and_hangs_on_nothing(account: OpenAccount):
    nobody = UserRef(PAYMENTS, "nobody", "AIDANOBODY", f"arn:aws:iam::{PAYMENTS}:user/nobody")
    assert not account.holds(AddMember(PAYMENTS, GROUP, nobody))
    assert account.holds(RemoveMember(PAYMENTS, GROUP, nobody))
    assert not account.holds(AttachToUser(PAYMENTS, nobody, ARN))
    assert account.holds(DetachFromUser(PAYMENTS, nobody, ARN))
    assert not account.holds(ATTACH)
    assert account.holds(DetachFromGroup(PAYMENTS, GROUP, ARN))
    assert account.holds(DeleteGroup(PAYMENTS, GROUP))
    assert account.holds(DeletePolicy(PAYMENTS, ARN))
    assert account.holds(DeleteVersion(PAYMENTS, ARN, "v1"))
    assert frozenset() == account.members(GROUP).keys() == account.attached_users(ARN).keys()
    assert () == account.dependents(ARN)


@writing
@pytest.mark.parametrize(
    ("first", "refused", "code", "gone"),
    [
        ([MAKE_POLICY], MAKE_POLICY, "EntityAlreadyExists", False),
        ([MAKE_GROUP], MAKE_GROUP, "EntityAlreadyExists", False),
        ([MAKE_POLICY], DeleteVersion(PAYMENTS, ARN, "v1"), "DeleteConflict", False),
        ([MAKE_POLICY, MAKE_VERSION], DeletePolicy(PAYMENTS, ARN), "DeleteConflict", False),
        ([MAKE_POLICY, MAKE_GROUP, ATTACH], DeletePolicy(PAYMENTS, ARN), "DeleteConflict", False),
        ([MAKE_POLICY, MAKE_GROUP, ATTACH], DeleteGroup(PAYMENTS, GROUP), "DeleteConflict", False),
        ([MAKE_POLICY] + [MAKE_VERSION] * 4, MAKE_VERSION, "LimitExceeded", False),
        ([], MAKE_VERSION, "NoSuchEntity", True),
        ([], DeletePolicy(PAYMENTS, ARN), "NoSuchEntity", True),
        ([], SetDefaultVersion(PAYMENTS, ARN, "v1"), "NoSuchEntity", True),
        ([MAKE_POLICY, MAKE_GROUP], DetachFromGroup(PAYMENTS, GROUP, ARN), "NoSuchEntity", True),
    ],
)
def test_iam_refuses_what_cannot_be(
    first: list[Change], refused: Change, code: str, gone: bool, account: OpenAccount
):
    make(account, *first)
    with pytest.raises(Refusal, match=code) as caught:
        account.make(refused)
    assert gone == caught.value.gone


@writing
def test_a_user_who_is_gone_is_told_apart(account: OpenAccount):
    nobody = UserRef(PAYMENTS, "nobody", "AIDANOBODY", f"arn:aws:iam::{PAYMENTS}:user/nobody")
    make(account, MAKE_GROUP, MAKE_POLICY)
    for change in (
        AddMember(PAYMENTS, GROUP, nobody),
        AttachToUser(PAYMENTS, nobody, ARN),
        DetachFromUser(PAYMENTS, nobody, ARN),
    ):
        with pytest.raises(Refusal) as caught:
            account.make(change)
        assert caught.value.gone


def test_credentials_are_asked_live_of_the_very_same_user(account: OpenAccount, user: User):
    now = account.credentials_now(user)
    assert (user.name, user.mfa_active, len(user.active_keys)) == (
        now.name,
        now.mfa_active,
        len(now.active_keys),
    )
    assert NOW <= now.facts_at <= NOW + timedelta(minutes=10)
    assert now.devices is not None
    with pytest.raises(Refusal) as caught:
        account.credentials_now(replace(user, id="AIDASOMEBODYELSE"))
    assert caught.value.gone
    with pytest.raises(Refusal) as caught:
        account.credentials_now(replace(user, name="nobody"))
    assert caught.value.gone


@writing
def test_what_hangs_on_a_group_that_is_not_there_is_refused(account: OpenAccount):
    """As gone, or as denied: a session narrowed to `group/rollout/…` has no say over a group without a path."""
    for change in (ATTACH, DetachFromGroup(PAYMENTS, GROUP, ARN), DeleteGroup(PAYMENTS, GROUP)):
        with pytest.raises(Refusal):
            account.make(change)


def test_an_account_that_no_role_opens_is_told_with_the_cure(ground: Ground, access: AccountAccess):
    with pytest.raises(CannotEnter, match="AccessDenied for role") as caught:
        access.enter(ground.acquired)
    assert caught.value.cure


@writing
def test_the_organization_is_told_alike(ground: Ground, kind: str):
    organization = ground.organization(kind)
    assert ground.listed == organization.accounts()
    assert organization.organization().management_account_id in {account.id for account in ground.listed}
    assert organization.caller().arn.startswith("arn:aws:iam::")
    assert isinstance(organization.policy_levels(ground.listed), PolicyLevels)


# --- What only a rehearsal does ---


@rehearsing
def test_a_rehearsal_writes_nothing_and_says_what_it_would(ground: Ground, access: AccountAccess):
    before = ground.reading.enter(ground.payments).read()
    make(access.enter(ground.payments), MAKE_POLICY, MAKE_GROUP)
    assert "rehearsed" == access.enter(ground.payments).make(ATTACH).request_id
    assert isinstance(access, RehearsedAccess)
    assert {PAYMENTS: (MAKE_POLICY, MAKE_GROUP, ATTACH)} == access.noted
    after = ground.reading.enter(ground.payments).read()
    assert (before.groups, before.policies) == (after.groups, after.policies)


@rehearsing
def test_what_one_entering_noted_the_next_one_sees(ground: Ground, access: AccountAccess):
    make(access.enter(ground.payments), MAKE_GROUP)
    assert access.enter(ground.payments).holds(MAKE_GROUP)
    assert GROUP in access.enter(ground.payments).read().groups
