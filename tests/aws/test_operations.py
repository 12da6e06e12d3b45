"""The table of operations: what a session may do, and that nothing is called that is not in it (design.md#accounts)."""

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import botocore.session
import pytest

import rollout.aws
import rollout.awsapi
import rollout.notify
from rollout.aws.connect.session_policy import FAMILIES, LONGEST, hop_policy, session_policy
from rollout.awsapi.operations import OPERATIONS, IamGuard, Operation, OperationNotAllowed, Use, writing_to
from rollout.awsapi.sessions import HOME_REGIONS, Connection
from rollout.domain.iam import Allowed, Context, Policies, Request, evaluate, parse_document
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_arns import OurArns, name_of, our_arns
from rollout.domain.policy.our_resources import Names
from rollout.errors import BadSettings
from tests.aws.conftest import OURS
from tests.aws.stub import AwsStub
from tests.aws.world import ACCOUNT

MODELS = botocore.session.Session()
CLIENT_METHODS: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
"""What a client's method may be: IAM and Organizations both have a `create_policy`."""
for _service in sorted({operation.service for operation in OPERATIONS}):
    for _name in MODELS.get_service_model(_service).operation_names:
        CLIENT_METHODS[botocore.xform_name(_name)].add((_service, _name))


def iam_arn(resource: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{resource}"


def decide(policy: str, action: str, resource: str, hangs: str | None = None):
    """Decide by the session policy alone; the role behind it may be an administrator."""
    context = Context({"iam:PolicyARN": hangs} if hangs else {})
    request = Request(action, resource, iam_arn("user/somebody"), context)
    return evaluate(Policies(identity=(parse_document(policy, "session"),)), request)


# --- The table and the code ---


def used_methods() -> Iterator[tuple[str, str]]:
    """Every attribute in this package that is the name of a client's method, with the module it is in."""
    for package in (rollout.aws, rollout.awsapi, rollout.notify):
        for module in Path(package.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text())):
                if isinstance(node, ast.Attribute) and node.attr in CLIENT_METHODS:
                    yield module.name, node.attr


def test_every_operation_that_the_code_names_is_in_the_table():
    table = {(operation.service, operation.name) for operation in OPERATIONS}
    assert [] == [use for use in used_methods() if not CLIENT_METHODS[use[1]] & table]


def test_every_operation_of_the_table_is_called_somewhere():
    called = {operation for _, method in used_methods() for operation in CLIENT_METHODS[method]}
    assert set() == {(operation.service, operation.name) for operation in OPERATIONS} - called


def test_every_operation_of_the_table_exists():
    for operation in OPERATIONS:
        assert operation.name in MODELS.get_service_model(operation.service).operation_names


def test_reads_have_names_that_read():
    for operation in OPERATIONS:
        if operation.use in {Use.READ, Use.TRAIL, Use.PROBE}:
            assert operation.name.startswith(("Get", "List", "Lookup", "Generate", "Simulate"))


# --- The session policy ---

LONG = our_arns("aws", ACCOUNT, Names("p" * 119, "g" * 119), Made())
DEV = iam_arn("policy/dev/ForceMFA")
ADOPTED = our_arns(
    "aws",
    ACCOUNT,
    Names(),
    Made(
        policies={iam_arn("policy/rollout/ForceMFA"): ""},
        groups={"ForceMFA": ""},
        attached={("hung", ACCOUNT, "ForceMFA", DEV): DEV},
        ever_attached={DEV},
    ),
)
WRITES_ON = {
    "user": iam_arn("user/team/ana"),
    "group": iam_arn("group/rollout/ForceMFA"),
    "policy": iam_arn("policy/rollout/ForceMFA"),
}


@pytest.mark.parametrize("partition", sorted(HOME_REGIONS))
@pytest.mark.parametrize("names", [Names(), Names("p" * 119, "g" * 119)], ids=["our names", "names of 128"])
@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
@pytest.mark.parametrize("trail", [False, True], ids=["", "CloudTrail"])
def test_a_session_policy_fits(partition: str, names: Names, writing: bool, trail: bool):
    policy = session_policy(our_arns(partition, ACCOUNT, names, Made()), writing=writing, trail=trail)
    assert len(policy) <= LONGEST
    assert f"arn:{partition}:" in policy or not writing


@pytest.mark.parametrize("partition", sorted(HOME_REGIONS))
def test_it_fits_too_where_an_earlier_version_adopted_both_policies(partition: str):
    both = [
        f"arn:{partition}:iam::{ACCOUNT}:policy/security/{name}" for name in ("ForceMFA", "ForceMFAEnrolment")
    ]
    attached: dict[tuple[str, ...], str] = {("hung", ACCOUNT, name_of(arn), arn): arn for arn in both}
    made = Made(attached=attached, ever_attached={*both})
    ours = our_arns(partition, ACCOUNT, Names(), made)
    assert tuple(both) == ours.adopted
    assert len(session_policy(ours, writing=True, trail=True)) <= LONGEST


@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_cloudtrail_may_be_asked_only_where_it_is_to_be(writing: bool):
    for trail in (False, True):
        policy = session_policy(OURS, writing=writing, trail=trail)
        assert trail == isinstance(decide(policy, "cloudtrail:LookupEvents", "*"), Allowed)
        assert not isinstance(decide(policy, "cloudtrail:StopLogging", "*"), Allowed)


@pytest.mark.parametrize("ours", [OURS, LONG, ADOPTED], ids=["our names", "names of 128", "adopted"])
def test_its_arns_are_whole(ours: OurArns):
    """They hold the account and the path, and no wildcard but for whoever is a user of this account."""
    policy = json.loads(session_policy(ours, writing=True))
    conditions = [one["Condition"] for one in policy["Statement"] if "Condition" in one]
    arns = [arn for one in policy["Statement"] if one["Resource"] != "*" for arn in one["Resource"]]
    arns += [arn for test in conditions for keys in test.values() for arn in keys["iam:PolicyARN"]]
    assert [] == [arn for arn in arns if "*" in arn and arn != iam_arn("user/*")]
    assert [] == [arn for arn in arns if f":{ACCOUNT}:" not in arn]
    paths = {arn.partition(":policy")[2].rpartition("/")[0] for arn in arns if ":policy/" in arn}
    assert {"/rollout"} == paths - {"/dev"}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_service_has_nothing_else_that_begins_so(family: str):
    service = family.partition(":")[0]
    names = {f"{service}:{name}" for name in MODELS.get_service_model(service).operation_names}
    table = {action for one in OPERATIONS for action in one.actions}
    assert {name for name in names if name.startswith(family)} <= table


def test_names_that_do_not_fit_are_refused_with_the_cure():
    endless = our_arns("aws", ACCOUNT, Names("p" * 400, "g" * 400), Made())
    with pytest.raises(BadSettings, match="AWS allows 2048") as caught:
        session_policy(endless, writing=True)
    assert "policy.name" in caught.value.cure


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.use in {Use.READ, Use.WRITE}], ids=lambda one: one.name
)
@pytest.mark.parametrize("ours", [OURS, LONG], ids=["our names", "names of 128"])
def test_a_writing_session_may_make_every_call_of_ours(operation: Operation, ours: OurArns):
    policy = session_policy(ours, writing=True)
    policy_arn = ours.policies[0]
    resource = {
        "GroupPolicy": ours.groups[0],
        "UserPolicy": iam_arn("user/team/ana"),
        "ToGroup": ours.groups[1],
        "FromGroup": ours.groups[1],
        "Group": ours.groups[0],
    }
    target = next((arn for end, arn in resource.items() if operation.name.endswith(end)), policy_arn)
    hangs = policy_arn if operation.name.startswith(("Attach", "Detach")) else None
    for action in operation.actions:
        assert isinstance(decide(policy, action, target, hangs), Allowed)


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.service in {"iam", "signin"}], ids=lambda one: one.name
)
def test_a_reading_session_may_read_and_nothing_else(operation: Operation):
    policy = session_policy(OURS, writing=False)
    for target in (*WRITES_ON.values(), "*"):
        may = isinstance(decide(policy, operation.actions[0], target, WRITES_ON["policy"]), Allowed)
        assert may == (operation.use in {Use.READ, Use.PROBE})


ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
OTHERS = [
    ("iam:CreateUser", iam_arn("user/ana"), None),
    ("iam:DeleteUser", iam_arn("user/ana"), None),
    ("iam:UpdateUser", iam_arn("user/ana"), None),
    ("iam:TagUser", iam_arn("user/ana"), None),
    ("iam:UntagUser", iam_arn("user/ana"), None),
    ("iam:CreateAccessKey", iam_arn("user/ana"), None),
    ("iam:UpdateAccessKey", iam_arn("user/ana"), None),
    ("iam:DeleteAccessKey", iam_arn("user/ana"), None),
    ("iam:CreateLoginProfile", iam_arn("user/ana"), None),
    ("iam:UpdateLoginProfile", iam_arn("user/ana"), None),
    ("iam:DeleteLoginProfile", iam_arn("user/ana"), None),
    ("iam:ChangePassword", iam_arn("user/ana"), None),
    ("iam:CreateVirtualMFADevice", iam_arn("mfa/ana"), None),
    ("iam:EnableMFADevice", iam_arn("user/ana"), None),
    ("iam:DeactivateMFADevice", iam_arn("user/ana"), None),
    ("iam:DeleteVirtualMFADevice", iam_arn("mfa/ana"), None),
    ("iam:CreateServiceSpecificCredential", iam_arn("user/ana"), None),
    ("iam:PutUserPolicy", iam_arn("user/ana"), None),
    ("iam:DeleteUserPolicy", iam_arn("user/ana"), None),
    ("iam:PutGroupPolicy", WRITES_ON["group"], None),
    ("iam:PutUserPermissionsBoundary", iam_arn("user/ana"), ADMIN),
    ("iam:DeleteUserPermissionsBoundary", iam_arn("user/ana"), ADMIN),
    ("iam:AttachUserPolicy", iam_arn("user/ana"), ADMIN),
    ("iam:DetachUserPolicy", iam_arn("user/ana"), ADMIN),
    ("iam:AttachUserPolicy", iam_arn("user/ana"), iam_arn("policy/rollout/NotForceMFA")),
    ("iam:AttachUserPolicy", iam_arn("user/ana"), iam_arn("policy/NotForceMFA")),
    ("iam:AttachGroupPolicy", WRITES_ON["group"], ADMIN),
    ("iam:AttachGroupPolicy", iam_arn("group/admins"), WRITES_ON["policy"]),
    ("iam:AttachRolePolicy", iam_arn("role/admin"), WRITES_ON["policy"]),
    ("iam:AddUserToGroup", iam_arn("group/admins"), None),
    ("iam:AddUserToGroup", iam_arn("group/ForceMFA"), None),
    ("iam:RemoveUserFromGroup", iam_arn("group/admins"), None),
    ("iam:CreateGroup", iam_arn("group/other"), None),
    ("iam:DeleteGroup", iam_arn("group/other"), None),
    ("iam:CreatePolicy", iam_arn("policy/other"), None),
    ("iam:CreatePolicyVersion", iam_arn("policy/ForceMFA"), None),
    ("iam:SetDefaultPolicyVersion", iam_arn("policy/other"), None),
    ("iam:DeletePolicy", iam_arn("policy/other"), None),
    ("iam:CreateRole", iam_arn("role/other"), None),
    ("iam:UpdateAssumeRolePolicy", iam_arn("role/other"), None),
    ("iam:PassRole", iam_arn("role/other"), None),
    ("iam:CreateAccountAlias", "*", None),
    ("iam:UpdateAccountPasswordPolicy", "*", None),
    ("iam:ListRoles", "*", None),
    ("iam:ListUsers", "*", None),
    ("sts:AssumeRole", iam_arn("role/other"), None),
    ("sts:GetFederationToken", "*", None),
    ("s3:GetObject", "arn:aws:s3:::bucket/key", None),
    ("s3:ListAllMyBuckets", "*", None),
    ("ec2:DescribeInstances", "*", None),
    ("secretsmanager:GetSecretValue", "*", None),
    ("kms:Decrypt", "*", None),
    ("organizations:ListAccounts", "*", None),
]


@pytest.mark.parametrize(("action", "resource", "hangs"), OTHERS)
@pytest.mark.parametrize(
    "ours",
    [
        OURS,
        ADOPTED,
        replace(OURS, policies=(*OURS.policies, LONG.policies[0]), groups=(*OURS.groups, *LONG.groups)),
    ],
)
def test_a_session_may_do_nothing_else(action: str, resource: str, hangs: str | None, ours: OurArns):
    policy = session_policy(ours, writing=True)
    assert not isinstance(decide(policy, action, resource, hangs), Allowed)


ELSEWHERE = (
    iam_arn("policy/ForceMFA"),
    DEV,
    iam_arn("policy/rollout/team/ForceMFA"),
    WRITES_ON["policy"].replace(ACCOUNT, "999988887777"),
    "arn:aws:iam::aws:policy/ForceMFA",
)


@pytest.mark.parametrize("ours", [OURS, ADOPTED], ids=["nothing adopted", "adopted"])
@pytest.mark.parametrize("foreign", ELSEWHERE)
def test_a_policy_of_our_name_elsewhere_may_not_be_attached_or_changed(foreign: str, ours: OurArns):
    policy = session_policy(ours, writing=True)
    for kind, holder in (("Group", WRITES_ON["group"]), ("User", WRITES_ON["user"])):
        assert not isinstance(decide(policy, f"iam:Attach{kind}Policy", holder, foreign), Allowed)
        may = isinstance(decide(policy, f"iam:Detach{kind}Policy", holder, foreign), Allowed)
        assert may == (foreign in ours.adopted)
    # From a group that is not ours, nothing is taken, whatever a journal says.
    assert not isinstance(decide(policy, "iam:DetachGroupPolicy", iam_arn("group/admins"), foreign), Allowed)
    for action in ("CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion", "DeletePolicy"):
        assert not isinstance(decide(policy, f"iam:{action}", foreign), Allowed)


def test_the_session_in_the_middle_only_takes_roles():
    policy = hop_policy(["arn:aws:iam::*:role/Audit", "arn:aws:iam::*:role/teams/Fix"])
    for role in ("role/Audit", "role/teams/Fix"):
        assert isinstance(decide(policy, "sts:AssumeRole", iam_arn(role)), Allowed)
    for role in ("role/Admin", "role/Fix", "role/Audit2", "role/x/Audit"):
        assert not isinstance(decide(policy, "sts:AssumeRole", iam_arn(role)), Allowed)
    assert not isinstance(decide(policy, "iam:GetUser", iam_arn("user/ana")), Allowed)


# --- The guard of the caller's own account ---


def test_what_is_outside_the_table_is_stopped_before_it_is_signed(stub: AwsStub, connection: Connection):
    iam = connection.own_iam(IamGuard(writing=True))
    with pytest.raises(OperationNotAllowed, match="iam:PutUserPolicy is not in the table"):
        iam.put_user_policy(UserName="mallory", PolicyName="all", PolicyDocument="{}")
    with pytest.raises(OperationNotAllowed, match="iam:CreateUser is for `rollout prove` only"):
        iam.create_user(UserName="mallory")
    assert [] == stub.calls


def test_a_run_that_only_reads_is_kept_from_writing(stub: AwsStub, connection: Connection):
    iam = connection.own_iam(IamGuard(writing=False))
    with pytest.raises(OperationNotAllowed, match="this run is read-only"):
        iam.add_user_to_group(GroupName="ForceMFA", UserName="ana")
    assert [] == stub.calls


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("AddUserToGroup", {"GroupName": "admins", "UserName": "ana"}),
        ("DeleteGroup", {"GroupName": "admins"}),
        ("AttachUserPolicy", {"UserName": "ana", "PolicyArn": ADMIN}),
        ("AttachGroupPolicy", {"GroupName": "ForceMFA", "PolicyArn": ADMIN}),
        ("CreatePolicyVersion", {"PolicyArn": iam_arn("policy/ForceMFA")}),
        ("SetDefaultPolicyVersion", {"PolicyArn": iam_arn("policy/other/ForceMFA")}),
        ("CreatePolicy", {"PolicyName": "ForceMFA", "Path": "/other/"}),
        ("CreatePolicy", {"PolicyName": "ForceMFA"}),
        ("PutUserPolicy", {"UserName": "ana", "PolicyName": "ForceMFA"}),
        ("CreateGroup", {"GroupName": "ForceMFA"}),
        ("CreateGroup", {"GroupName": "ForceMFA", "Path": "/other/"}),
        ("AttachUserPolicy", {"UserName": "ana", "PolicyArn": DEV}),
        ("DetachUserPolicy", {"UserName": "ana", "PolicyArn": DEV}),
        ("DeletePolicy", {"PolicyArn": WRITES_ON["policy"].replace(ACCOUNT, "999988887777")}),
    ],
)
def test_the_guard_keeps_to_what_is_ours(operation: str, params: dict[str, object]):
    with pytest.raises(OperationNotAllowed), writing_to(OURS):
        IamGuard(writing=True)(operation, params)


def test_what_an_earlier_version_adopted_may_be_detached_and_nothing_else():
    guard, on_ana = IamGuard(writing=True), {"UserName": "ana", "PolicyArn": DEV}
    with writing_to(ADOPTED):
        guard("DetachUserPolicy", on_ana)
        guard("DetachGroupPolicy", {"GroupName": "ForceMFA", "PolicyArn": DEV})
        for operation in ("AttachUserPolicy", "DeletePolicy", "SetDefaultPolicyVersion"):
            with pytest.raises(OperationNotAllowed):
                guard(operation, on_ana)


def test_without_an_account_in_hand_nothing_is_written():
    with pytest.raises(OperationNotAllowed, match="no account is in hand"):
        IamGuard(writing=True)("DeletePolicy", {"PolicyArn": WRITES_ON["policy"]})


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("GetUser", {"UserName": "anybody"}),
        ("AddUserToGroup", {"GroupName": "ForceMFA", "UserName": "ana"}),
        ("AttachGroupPolicy", {"GroupName": "ForceMFAEnrolment", "PolicyArn": WRITES_ON["policy"]}),
        ("CreateGroup", {"GroupName": "ForceMFA", "Path": "/rollout/"}),
        ("CreatePolicy", {"PolicyName": "ForceMFAEnrolment", "Path": "/rollout/"}),
        ("DeletePolicy", {"PolicyArn": WRITES_ON["policy"]}),
    ],
)
def test_the_guard_lets_through_what_is_ours(operation: str, params: dict[str, object]):
    with writing_to(OURS):
        IamGuard(writing=True)(operation, params)
