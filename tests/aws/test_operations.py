"""The table of operations: what a session may do, and that nothing is called that is not in it (design.md#accounts)."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

import rollout.aws
import rollout.awsapi
from rollout.aws.connect.session_policy import LONGEST, hop_policy, session_policy
from rollout.awsapi.operations import OPERATIONS, IamGuard, Operation, OperationNotAllowed, OurNames, Use
from rollout.awsapi.sessions import HOME_REGIONS, Connection
from rollout.domain.iam import Allowed, Context, Policies, Request, evaluate, parse_document
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
    for package in (rollout.aws, rollout.awsapi):
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
        if operation.use in {Use.READ, Use.PROBE}:
            assert operation.name.startswith(("Get", "List", "Generate", "Simulate"))


# --- The session policy ---

LONG = OurNames(
    policies=("/rollout/" + "p" * 128, "/rollout/" + "q" * 128),
    groups=("/rollout/" + "g" * 128, "/rollout/" + "h" * 128),
)
WRITES_ON = {
    "user": iam_arn("user/team/ana"),
    "group": iam_arn("group/rollout/ForceMFA"),
    "policy": iam_arn("policy/rollout/ForceMFA"),
}


@pytest.mark.parametrize("partition", sorted(HOME_REGIONS))
@pytest.mark.parametrize("ours", [OURS, LONG], ids=["our names", "names of 128"])
@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_a_session_policy_fits(partition: str, ours: OurNames, writing: bool):
    policy = session_policy(partition, ours, writing=writing)
    assert len(policy) <= LONGEST
    assert f"arn:{partition}:" in policy or not writing


def test_names_that_do_not_fit_are_refused_with_the_cure():
    endless = OurNames(policies=("/rollout/" + "p" * 400,), groups=("/" + "g" * 400,))
    with pytest.raises(BadSettings, match="AWS allows 2048") as caught:
        session_policy("aws", endless, writing=True)
    assert "policy.name" in caught.value.cure


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.use in {Use.READ, Use.WRITE}], ids=lambda one: one.name
)
@pytest.mark.parametrize("ours", [OURS, LONG], ids=["our names", "names of 128"])
def test_a_writing_session_may_make_every_call_of_ours(operation: Operation, ours: OurNames):
    policy = session_policy("aws", ours, writing=True)
    policy_arn = iam_arn(f"policy{ours.policies[0]}")
    resource = {
        "GroupPolicy": iam_arn(f"group{ours.groups[0]}"),
        "UserPolicy": iam_arn("user/team/ana"),
        "ToGroup": iam_arn(f"group{ours.groups[1]}"),
        "FromGroup": iam_arn(f"group{ours.groups[1]}"),
        "Group": iam_arn(f"group{ours.groups[0]}"),
    }
    target = next((arn for end, arn in resource.items() if operation.name.endswith(end)), policy_arn)
    hangs = policy_arn if operation.name.startswith(("Attach", "Detach")) else None
    for action in operation.actions:
        assert isinstance(decide(policy, action, target, hangs), Allowed)


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.service == "iam"], ids=lambda one: one.name
)
def test_a_reading_session_may_read_and_nothing_else(operation: Operation):
    policy = session_policy("aws", OURS, writing=False)
    for target in (*WRITES_ON.values(), "*"):
        may = isinstance(decide(policy, f"iam:{operation.name}", target, WRITES_ON["policy"]), Allowed)
        assert may == (not operation.writes)


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
    "ours", [OURS, OurNames((*OURS.policies, LONG.policies[0]), (*OURS.groups, *LONG.groups))]
)
def test_a_session_may_do_nothing_else(action: str, resource: str, hangs: str | None, ours: OurNames):
    policy = session_policy("aws", ours, writing=True)
    assert not isinstance(decide(policy, action, resource, hangs), Allowed)


def test_a_policy_of_our_name_that_is_somebody_elses_may_hang_and_nothing_more():
    policy = session_policy("aws", OURS, writing=True)
    for foreign in (iam_arn("policy/ForceMFA"), iam_arn("policy/security/ForceMFA")):
        assert isinstance(decide(policy, "iam:AttachGroupPolicy", WRITES_ON["group"], foreign), Allowed)
        for action in (
            "CreatePolicyVersion",
            "SetDefaultPolicyVersion",
            "DeletePolicyVersion",
            "DeletePolicy",
        ):
            assert not isinstance(decide(policy, f"iam:{action}", foreign), Allowed)


def test_the_session_in_the_middle_only_takes_roles():
    assert isinstance(decide(hop_policy(), "sts:AssumeRole", iam_arn("role/other")), Allowed)
    assert not isinstance(decide(hop_policy(), "iam:GetUser", iam_arn("user/ana")), Allowed)


# --- The guard of the caller's own account ---


def test_what_is_outside_the_table_is_stopped_before_it_is_signed(stub: AwsStub, connection: Connection):
    iam = connection.own_iam(IamGuard(OURS, writing=True))
    with pytest.raises(OperationNotAllowed, match="iam:CreateUser is not in the table"):
        iam.create_user(UserName="mallory")
    assert [] == stub.calls


def test_a_run_that_only_reads_is_kept_from_writing(stub: AwsStub, connection: Connection):
    iam = connection.own_iam(IamGuard(OURS, writing=False))
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
    ],
)
def test_the_guard_keeps_to_what_is_ours(operation: str, params: dict[str, object]):
    with pytest.raises(OperationNotAllowed):
        IamGuard(OURS, writing=True)(operation, params)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("GetUser", {"UserName": "anybody"}),
        ("AddUserToGroup", {"GroupName": "ForceMFA", "UserName": "ana"}),
        ("AttachGroupPolicy", {"GroupName": "ForceMFAEnrolment", "PolicyArn": WRITES_ON["policy"]}),
        ("AttachUserPolicy", {"UserName": "ana", "PolicyArn": iam_arn("policy/security/forcemfa")}),
        ("CreatePolicy", {"PolicyName": "ForceMFAEnrolment", "Path": "/rollout/"}),
        ("DeletePolicy", {"PolicyArn": WRITES_ON["policy"]}),
    ],
)
def test_the_guard_lets_through_what_is_ours(operation: str, params: dict[str, object]):
    IamGuard(OURS, writing=True)(operation, params)
