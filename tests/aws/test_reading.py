"""AccountReading an account: complete, or it says what is missing; in eight calls whatever its size.

See aws-facts.md#credential-report, aws-facts.md#inventory-calls.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from rollout.aws.connect.open_account import AwsAccount
from rollout.domain.people.observations import PasswordPolicy
from rollout.domain.people.users import DeviceKind, MfaDevice, ServiceCredential, Unread
from rollout.workflows.ports import CannotEnter
from tests.aws.stub import AwsStub, Call, Fail, Raw
from tests.aws.world import (
    ACCOUNT,
    COLUMNS,
    LATELY,
    LONG_AGO,
    NOW,
    REPORTED,
    Key,
    Person,
    World,
    key_id,
)

Enter = Callable[[], AwsAccount]

BULK = {
    "GenerateCredentialReport": 1,
    "GetCredentialReport": 1,
    "GetAccountAuthorizationDetails": 1,
    "ListVirtualMFADevices": 1,
    "ListServiceSpecificCredentials": 1,
    "GetAccountSummary": 1,
    "GetAccountPasswordPolicy": 1,
}


def people(count: int) -> list[Person]:
    """Users without special cases: a device, a password in use, a key in use."""
    return [Person(f"user-{number:04d}", keys=(Key(),)) for number in range(count)]


def test_seven_calls_read_a_hundred_users(stub: AwsStub, entered: Enter):
    """With AssumeRole these are the eight of design.md#accounts."""
    World(stub, people(100))
    facts = entered().read()
    assert 100 == len(facts.users)
    assert BULK == stub.counts()


def test_a_thousand_users_take_more_pages_and_nothing_else(stub: AwsStub, entered: Enter):
    World(stub, people(1000), page=100)
    facts = entered().read()
    assert 1000 == len(facts.users)
    assert BULK | {"GetAccountAuthorizationDetails": 10} == stub.counts()


@pytest.mark.slow
def test_five_thousand_users_are_all_there(stub: AwsStub, entered: Enter):
    World(stub, people(5000), page=1000)
    assert 5000 == len(entered().read().users)


def test_an_account_without_users_is_read_as_any_other(stub: AwsStub, entered: Enter):
    World(stub)
    facts = entered().read()
    assert () == facts.users
    assert () == facts.unread
    assert BULK == stub.counts()


def test_facts_carry_the_time_at_which_they_were_true(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    facts = entered().read()
    (ana,) = facts.users
    assert (REPORTED, NOW) == (ana.facts_at, ana.rights_at)
    assert (REPORTED, NOW) == (facts.report_at, facts.read_at)


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_arns_of_every_partition_are_joined(partition: str, stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", path="/team/", partition=partition)])
    (ana,) = entered().read().users
    assert f"arn:{partition}:iam::{ACCOUNT}:user/team/ana" == ana.arn
    assert (DeviceKind.TOTP,) == ana.device_kinds


def test_a_name_of_sixty_four_signs_survives_every_form(stub: AwsStub, entered: Enter):
    """Commas must not split the report, nor a leading = become anything else."""
    name = "=,+.@-_" + "aZ09" * 14 + "x"
    assert 64 == len(name)
    World(stub, [Person(name, path="/a/b/", signed_in=None)])
    (user,) = entered().read().users
    assert name == user.name
    assert REPORTED == user.facts_at
    assert [{"UserName": name}] == stub.called("GetLoginProfile")


# --- Per user only where a verdict turns on it ---


def test_a_password_never_used_is_asked_whether_it_must_be_changed(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", signed_in=None, reset_required=True), Person("ben")])
    ana, ben = entered().read().users
    assert ana.password is not None
    assert ben.password is not None
    assert (True, None) == (ana.password.reset_required, ben.password.reset_required)
    assert 1 == stub.counts()["GetLoginProfile"]


def test_kinds_of_device_are_asked_for_keys_in_hand_and_no_virtual_device(stub: AwsStub, entered: Enter):
    World(
        stub,
        [
            Person("has-key", totp=False, passkey=True, keys=(Key(),)),
            Person("no-key", totp=False, passkey=True),
            Person("old-key", totp=False, passkey=True, keys=(Key(active=False),)),
        ],
    )
    has_key, no_key, old_key = entered().read().users
    assert (DeviceKind.PASSKEY,) == has_key.device_kinds
    assert (None, None) == (no_key.devices, old_key.devices)
    assert [{"UserName": "has-key"}] == stub.called("ListMFADevices")


def test_whoever_enrolled_since_the_report_has_mfa(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana", keys=(Key(),))])
    world.reported = [Person("ana", totp=False, keys=(Key(),))]
    (ana,) = entered().read().users
    assert ana.mfa_active
    assert (MfaDevice(f"arn:aws:iam::{ACCOUNT}:mfa/ana", LONG_AGO),) == ana.devices


def test_no_device_in_the_report_and_none_enrolled_since_is_none(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", totp=False)])
    (ana,) = entered().read().users
    assert not ana.mfa_active
    assert () == ana.devices


def test_a_device_that_nobody_finished_enrolling_is_named_and_roots_is_not(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana")])
    world.unassigned = [f"arn:aws:iam::{ACCOUNT}:mfa/orphan"]
    assert (f"arn:aws:iam::{ACCOUNT}:mfa/orphan",) == entered().read().unassigned_devices


# --- A user in one source and not in the other ---


def test_a_user_made_since_the_report_is_read_live(stub: AwsStub, entered: Enter):
    new = Person(
        "new", created=NOW - timedelta(minutes=5), signed_in=None, reset_required=True, keys=(Key(),)
    )
    world = World(stub, [Person("ana"), new])
    world.reported = [Person("ana")]
    user = entered().read().users[1]
    assert NOW == user.facts_at
    assert user.password is not None
    assert user.password.reset_required
    assert (key_id("new", 0), LATELY) == (user.keys[0].id, user.key_last_used)
    assert {
        "GetUser": 1,
        "GetLoginProfile": 1,
        "ListMFADevices": 1,
        "ListAccessKeys": 1,
        "GetAccessKeyLastUsed": 1,
    }.items() <= (stub.counts().items())


def test_a_name_given_away_since_the_report_is_somebody_else(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana", created=NOW - timedelta(hours=1), totp=False)])
    world.reported = [Person("ana", totp=True)]
    (ana,) = entered().read().users
    assert not ana.mfa_active
    assert NOW == ana.facts_at


def test_a_user_of_the_report_who_is_gone_is_dropped(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana")])
    world.reported = [Person("ana"), Person("gone")]
    assert ["ana"] == [user.name for user in entered().read().users]
    assert 1 == stub.counts()["GetAccountAuthorizationDetails"]


def test_a_user_deleted_while_we_read_is_dropped(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana"), Person("going")])
    world.reported = [Person("ana")]
    stub.on("GetUser", Fail("NoSuchEntity", 404))
    assert ["ana"] == [user.name for user in entered().read().users]


def test_a_user_of_the_report_who_is_there_is_looked_for_again(stub: AwsStub, entered: Enter):
    """Made between two pages, or not yet seen everywhere: the details are read once more."""
    late = Person("late")
    world = World(stub, [Person("ana")])
    world.reported = [Person("ana"), late]

    def appears(_: object) -> dict[str, object]:
        world.people["late"] = late
        return {"User": {"UserName": "late", "UserId": late.id, "Arn": late.arn, "Path": "/"}}

    stub.on("GetUser", appears)
    assert ["ana", "late"] == [user.name for user in entered().read().users]


# --- What cannot be read ---


@pytest.mark.parametrize(
    "answer",
    [Fail("AccessDenied", 403), Fail("LimitExceeded", 409), Fail("InvalidAction", 400)],
    ids=["denied", "limited", "not offered"],
)
def test_without_a_report_every_user_is_asked_and_the_account_says_so(
    answer: Fail, stub: AwsStub, entered: Enter
):
    World(stub, [Person("ana", totp=False, passkey=True), Person("bot", has_password=False, keys=(Key(),))])
    stub.on("GenerateCredentialReport", answer)
    facts = entered().read()
    ana, bot = facts.users
    assert facts.report_at is None
    assert ((DeviceKind.PASSKEY,), None) == (ana.device_kinds, bot.password)
    assert (NOW, LATELY) == (ana.facts_at, bot.key_last_used)
    assert ["no-credential-report"] == [finding.code for finding in facts.findings]
    assert () == facts.unread


def test_a_report_without_its_header_is_no_report(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    stub.on(
        "GetCredentialReport", {"Content": b"nothing", "ReportFormat": "text/csv", "GeneratedTime": REPORTED}
    )
    facts = entered().read()
    assert ["no-credential-report"] == [finding.code for finding in facts.findings]
    assert facts.users[0].mfa_active


@pytest.mark.parametrize(("kept", "seen"), [(0.5, [REPORTED, NOW, NOW]), (0.9, [REPORTED, REPORTED, NOW])])
def test_a_report_that_is_cut_short_costs_only_the_users_it_lost(
    kept: float, seen: list[datetime], stub: AwsStub, entered: Enter
):
    world = World(stub, [Person("ana"), Person("ben"), Person("cy")])
    whole = world.report()
    header, root, *rows = whole["Content"].splitlines(keepends=True)
    users = b"".join(rows)
    stub.on("GetCredentialReport", {**whole, "Content": header + root + users[: int(len(users) * kept)]})
    facts = entered().read()
    assert seen == [user.facts_at for user in facts.users]
    assert all(user.mfa_active for user in facts.users)


def test_unknown_columns_are_passed_over_and_the_order_does_not_matter(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana", keys=(Key(),))])
    plain = entered().read()
    world.columns = ("favourite_colour", *reversed(COLUMNS), "additional_credentials_info")
    assert plain == entered().read()


def test_a_fact_that_is_denied_is_unread_and_named(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    stub.on("ListServiceSpecificCredentials", Fail("AccessDenied", 403))
    stub.on("GetAccountPasswordPolicy", Fail("AccessDenied", 403))
    facts = entered().read()
    assert (
        Unread("service-specific credentials", "ListServiceSpecificCredentials: AccessDenied"),
        Unread("the password policy", "GetAccountPasswordPolicy: AccessDenied"),
    ) == facts.unread


def test_a_fact_of_one_user_that_is_denied_is_unread_for_that_user(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", signed_in=None), Person("ben")])
    stub.on("GetLoginProfile", Fail("AccessDenied", 403))
    ana, ben = entered().read().users
    assert (Unread("password", "GetLoginProfile: AccessDenied"),) == ana.unread
    assert () == ben.unread


@pytest.mark.parametrize(
    "answer",
    [Fail("InvalidAction", 400), Raw(404, b"not here"), Raw(501), Raw(500)],
    ids=["InvalidAction", "404", "501", "unparsable 500 for ever"],
)
def test_an_operation_that_is_not_offered_is_a_finding_and_no_missing_fact(
    answer: Fail | Raw, stub: AwsStub, entered: Enter
):
    World(stub, [Person("ana")])
    stub.on("ListServiceSpecificCredentials", answer)
    facts = entered().read()
    assert () == facts.unread
    assert ["not-offered"] == [finding.code for finding in facts.findings]
    assert stub.counts()["ListServiceSpecificCredentials"] <= 3


def test_what_is_not_offered_once_is_not_asked_again(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    stub.on("ListServiceSpecificCredentials", Raw(500))
    assert entered().read() == entered().read()
    assert 3 == stub.counts()["ListServiceSpecificCredentials"]


def test_without_the_summary_aws_defaults_stand_in_and_the_account_says_so(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    stub.on("GetAccountSummary", Fail("AccessDenied", 403))
    facts = entered().read()
    assert (10, 300) == (facts.quotas.groups_per_user, facts.quotas.groups_left)
    assert ["not-read"] == [finding.code for finding in facts.findings]


def test_without_its_users_an_account_cannot_be_worked_on(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    stub.on("GetAccountAuthorizationDetails", Fail("AccessDenied", 403, "User: x is not authorized"))
    with pytest.raises(
        CannotEnter, match="GetAccountAuthorizationDetails in account 012345678901: AccessDenied"
    ) as caught:
        entered().read()
    assert "allow this identity to call GetAccountAuthorizationDetails" in caught.value.cure


# --- What the bulk calls give ---


def test_limits_are_read_live(stub: AwsStub, entered: Enter):
    World(stub)
    numbers = {
        "GroupsPerUserQuota": 10,
        "AttachedPoliciesPerUserQuota": 20,
        "AttachedPoliciesPerGroupQuota": 9,
        "VersionsPerPolicyQuota": 5,
        "Groups": 299,
        "GroupsQuota": 300,
        "Policies": 7,
        "PoliciesQuota": 1500,
        "AccountMFAEnabled": 0,
    }
    stub.on("GetAccountSummary", {"SummaryMap": numbers})
    quotas = entered().read().quotas
    assert (20, 9, 1, 1493) == (
        quotas.policies_per_user,
        quotas.policies_per_group,
        quotas.groups_left,
        quotas.policies_left,
    )


def test_the_root_row_tells_of_root_and_is_no_user(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    facts = entered().read()
    assert facts.root_mfa_active
    assert ["ana"] == [user.name for user in facts.users]


def test_a_password_policy_counts_as_far_as_it_can_lock_out(stub: AwsStub, entered: Enter):
    World(stub)
    policy = {
        "ExpirePasswords": True,
        "MaxPasswordAge": 90,
        "HardExpiry": True,
        "AllowUsersToChangePassword": False,
    }
    stub.on("GetAccountPasswordPolicy", {"PasswordPolicy": policy})
    assert PasswordPolicy(90, hard_expiry=True, users_may_change=False) == entered().read().password_policy


def test_service_credentials_that_have_run_out_are_not_active(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("bot")])
    plain = {
        "UserName": "bot",
        "ServiceName": "bedrock.amazonaws.com",
        "CreateDate": LONG_AGO,
        "ServiceSpecificCredentialId": "ACCA1234567890123456",
        "Status": "Active",
    }
    world.service_credentials = [plain, plain | {"ExpirationDate": NOW - timedelta(days=1)}]
    (bot,) = entered().read().users
    assert (
        ServiceCredential("bedrock.amazonaws.com", active=False),
        ServiceCredential("bedrock.amazonaws.com", active=True),
    ) == bot.service_credentials


def test_policies_come_as_mappings_or_as_the_text_that_would_not_decode(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana", groups=("admins",), tags={"Email": "ana@example.com"})])
    arn = f"arn:aws:iam::{ACCOUNT}:policy/team/Guard"
    document = {"Version": "2012-10-17", "Statement": []}
    versions = [
        {"VersionId": "v2", "IsDefaultVersion": True, "Document": document, "CreateDate": LONG_AGO},
        {"VersionId": "v1", "IsDefaultVersion": False, "Document": "%7Bno json"},
    ]
    page = dict(world.details(Call("iam", "GetAccountAuthorizationDetails", {}, ""))) | {
        "Policies": [{"Arn": arn, "PolicyVersionList": versions, "Path": "/team/", "DefaultVersionId": "v2"}]
    }
    stub.on("GetAccountAuthorizationDetails", page)
    facts = entered().read()
    policy = facts.policies[arn]
    assert ("Guard", "/team/") == (policy.name, policy.path)
    assert [document, "%7Bno json"] == [version.document for version in policy.versions]
    assert policy.default == policy.versions[0]
    assert ("admins",) == facts.users[0].groups
    assert {"Email": "ana@example.com"} == facts.users[0].tags


def test_an_empty_page_that_names_another_is_followed(stub: AwsStub, entered: Enter):
    world = World(stub, [Person("ana")])
    empty = {"IsTruncated": True, "Marker": "0"}
    stub.on("GetAccountAuthorizationDetails", empty, world.details)
    assert ["ana"] == [user.name for user in entered().read().users]


def test_a_page_that_names_itself_is_an_error_and_not_the_end(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana")])
    stub.on("GetAccountAuthorizationDetails", {"IsTruncated": True, "Marker": "again"})
    with pytest.raises(CannotEnter, match="a pagination token that was already used"):
        entered().read()


def test_reading_twice_gives_the_same(stub: AwsStub, entered: Enter):
    World(stub, [replace(person, passkey=True, totp=False) for person in people(5)])
    assert entered().read() == entered().read()


# --- Credentials and policies that no bulk call tells ---


CODECOMMIT = {"Statement": {"Effect": "Allow", "Action": "codecommit:GitPull", "Resource": "*"}}
EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def test_ssh_keys_are_counted_where_there_may_be_some(stub: AwsStub, entered: Enter):
    """Asked of users without any other credential and of those whom a policy lets use CodeCommit, and of no others."""
    without = Person("mirror", has_password=False, totp=False, ssh_keys=("Active", "Inactive", "Active"))
    developer = Person("dana", inline={"Git": CODECOMMIT}, ssh_keys=("Inactive",))
    World(stub, [without, developer, Person("admin", inline={"All": EVERYTHING}, ssh_keys=("Active",))])
    facts = entered().read()
    assert {"mirror": 2, "dana": 0, "admin": None} == {user.name: user.ssh_keys for user in facts.users}
    assert {"mirror", "dana"} == {call["UserName"] for call in stub.called("ListSSHPublicKeys")}


def test_ssh_keys_that_cannot_be_read_are_an_unread_fact(stub: AwsStub, entered: Enter):
    World(stub, [Person("mirror", has_password=False, totp=False)])
    stub.on("ListSSHPublicKeys", Fail("AccessDenied", 403))
    (user,) = entered().read().users
    assert (Unread("SSH keys for CodeCommit", "ListSSHPublicKeys: AccessDenied"),) == user.unread


def test_an_endpoint_without_ssh_keys_is_asked_once_and_told_of(stub: AwsStub, entered: Enter):
    World(stub, [Person(name, has_password=False, totp=False) for name in ("mirror", "other")])
    stub.on("ListSSHPublicKeys", Fail("InvalidAction", 400))
    facts = entered().read()
    assert ["not-offered"] == [finding.code for finding in facts.findings]
    assert 1 == stub.counts()["ListSSHPublicKeys"]
    assert not any(user.unread for user in facts.users)


POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"


def test_a_boundary_that_aws_manages_and_does_not_list_is_read_alone(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", boundary=POWER_USER), Person("ben", boundary=POWER_USER)])
    stub.on(
        "GetPolicy",
        {
            "Policy": {
                "Arn": POWER_USER,
                "PolicyName": "PowerUserAccess",
                "Path": "/",
                "DefaultVersionId": "v6",
            }
        },
    )
    stub.on(
        "GetPolicyVersion",
        {"PolicyVersion": {"VersionId": "v6", "IsDefaultVersion": True, "Document": "{}"}},
    )
    account = entered()
    for _ in range(2):
        policy = account.read().policies[POWER_USER]
        assert policy.default
        assert "v6" == policy.default.id
    assert 1 == stub.counts()["GetPolicy"] == stub.counts()["GetPolicyVersion"]


def test_a_boundary_that_may_not_be_read_stays_unread(stub: AwsStub, entered: Enter):
    World(stub, [Person("ana", boundary=POWER_USER)])
    stub.on("GetPolicy", Fail("AccessDenied", 403))
    facts = entered().read()
    assert POWER_USER not in facts.policies
    text = f"GetPolicy: AccessDenied; the permissions boundary {POWER_USER} was not read"
    assert [("not-read", text)] == [(finding.code, finding.text) for finding in facts.findings]
