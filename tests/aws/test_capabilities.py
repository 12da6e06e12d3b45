"""What may be done in an account: simulated where that is allowed, else asked, and never taken for fine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollout.aws.connect.account_access import AccountEntrySettings, AwsAccountAccess
from rollout.aws.connect.identity import WhoAmI
from rollout.aws.connect.run_environment import AwsRunEnvironment
from rollout.aws.probe.capabilities import NEEDED, AwsCapabilities
from rollout.aws.prove.proof_sessions import ATTACHING, DETACHING, MAKING, REMOVING, actions_of
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.diagnosis.facts import Denial, DeniedBy, FoundBy, NoAnswer, Permission, Right
from rollout.domain.people.organization import Account, Caller
from rollout.domain.policy.our_resources import Names
from rollout.workflows.ports import CannotEnter
from tests.aws.stub import AwsStub, Call, Fail
from tests.aws.test_door import CALLER, OWN, an_account, session_of
from tests.aws.world import ACCOUNT, Key, Person, World, group_detail, key_id
from tests.fakes import FakeClock

Probe = Callable[..., AwsCapabilities]
DENIED = Fail("AccessDenied", 403, "User: x is not authorized to perform: that")
ARN = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
WRITES = {action for one in NEEDED if one.writes for action in one.actions}
READS = {action for one in NEEDED if not one.writes for action in one.actions}


@pytest.fixture
def probe(stub: AwsStub, connection: Connection, retries: Retries, clock: FakeClock) -> Probe:
    """Enter for a look, by a role unless told otherwise."""
    stub.on("AssumeRole", lambda call: session_of(call.params["RoleArn"]))

    def enter(
        account: Account | None = None,
        caller: Caller = CALLER,
        entry_settings: AccountEntrySettings | None = None,
    ):
        access = AwsAccountAccess(
            connection, caller, clock, Names(), entry_settings, writing=False, retries=retries
        )
        return access.probe(account or an_account())

    return enter


@pytest.fixture
def world(stub: AwsStub) -> World:
    """Everything may be read, and nothing of ours is there yet."""
    for operation in (
        "GetGroup",
        "ListAttachedGroupPolicies",
        "ListAttachedUserPolicies",
        "ListGroupsForUser",
    ):
        stub.on(operation, Fail("NoSuchEntity", 404))
    for operation in (
        "GetPolicy",
        "GetPolicyVersion",
        "ListEntitiesForPolicy",
        "ListPolicies",
        "ListPolicyVersions",
    ):
        stub.on(operation, Fail("NoSuchEntity", 404))
    return World(stub, [Person("ana"), Person("bob", keys=(Key(),))])


def simulated(decide: Callable[[Call, str], Mapping[str, Any]]) -> Callable[[Call], Mapping[str, Any]]:
    """Answer a simulation as IAM does: a result for each action."""

    def answer(call: Call) -> Mapping[str, Any]:
        (resource,) = call.params["ResourceArns"]
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "allowed",
                **decide(call, action),
            }
            for action in call.params["ActionNames"]
        ]
        return {"EvaluationResults": results, "IsTruncated": False}

    return answer


def by_action(found: tuple[Right, ...]) -> dict[str, Right]:
    assert len(found) == len({right.action for right in found})
    return {right.action: right for right in found}


# --- By simulation ---


def test_every_needed_action_is_simulated_as_the_role_that_let_us_in(stub: AwsStub, probe: Probe):
    stub.on("SimulatePrincipalPolicy", simulated(lambda *_: {}))
    found = by_action(probe(entry_settings=AccountEntrySettings(roles=("teams/Audit",))).rights())
    assert found.keys() == READS | WRITES
    assert {(Permission.ALLOWED, FoundBy.SIMULATION)} == {
        (right.permission, right.found_by) for right in found.values()
    }
    assert {action for action, right in found.items() if right.writes} == WRITES
    assert {f"arn:aws:iam::{ACCOUNT}:role/teams/Audit"} == {
        call["PolicySourceArn"] for call in stub.called("SimulatePrincipalPolicy")
    }
    assert {"AssumeRole": 1, "SimulatePrincipalPolicy": 6} == stub.counts()


def test_each_action_is_simulated_on_what_it_works_on(stub: AwsStub, probe: Probe):
    stub.on("SimulatePrincipalPolicy", simulated(lambda *_: {}))
    probe().rights()
    asked = {
        call["ResourceArns"][0]: set(call["ActionNames"]) for call in stub.called("SimulatePrincipalPolicy")
    }
    iam = f"arn:aws:iam::{ACCOUNT}"
    assert {
        "*",
        f"{iam}:user/rollout-doctor",
        f"{iam}:group/rollout/ForceMFA",
        f"{iam}:group/rollout/ForceMFAEnrolment",
        f"{iam}:policy/rollout/ForceMFA",
        f"{iam}:policy/rollout/ForceMFAEnrolment",
    } == asked.keys()
    assert "iam:GetAccountAuthorizationDetails" in asked["*"]
    assert {"iam:GetLoginProfile", "iam:AttachUserPolicy"} <= asked[f"{iam}:user/rollout-doctor"]
    assert {"iam:AddUserToGroup", "iam:AttachGroupPolicy"} <= asked[f"{iam}:group/rollout/ForceMFA"]
    assert {"iam:CreatePolicy", "iam:TagPolicy"} <= asked[f"{iam}:policy/rollout/ForceMFAEnrolment"]
    (entry,) = stub.called("SimulatePrincipalPolicy")[0]["ContextEntries"]
    assert "iam:PolicyARN" == entry["ContextKeyName"]


@pytest.mark.parametrize(
    ("result", "permission", "why", "by"),
    [
        (
            {"EvalDecision": "implicitDeny"},
            Permission.DENIED,
            "no policy allows it",
            DeniedBy.IDENTITY_POLICY,
        ),
        ({"EvalDecision": "explicitDeny"}, Permission.DENIED, "a policy denies it", DeniedBy.IDENTITY_POLICY),
        (
            {
                "EvalDecision": "explicitDeny",
                "OrganizationsDecisionDetail": {"AllowedByOrganizations": False},
            },
            Permission.DENIED,
            "a service control policy",
            DeniedBy.SCP,
        ),
        (
            {
                "EvalDecision": "implicitDeny",
                "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
            },
            Permission.DENIED,
            "the permissions boundary",
            DeniedBy.BOUNDARY,
        ),
        (
            {
                "EvalDecision": "implicitDeny",
                "MissingContextValues": ["aws:SourceIp", "aws:MultiFactorAuthPresent"],
            },
            Permission.UNTESTED,
            "it depends on aws:MultiFactorAuthPresent, aws:SourceIp",
            DeniedBy.UNKNOWN,
        ),
    ],
)
def test_what_is_not_allowed_carries_its_reason(result, permission, why, by, stub: AwsStub, probe: Probe):
    stub.on(
        "SimulatePrincipalPolicy", simulated(lambda _, action: result if action == "iam:CreateGroup" else {})
    )
    right = by_action(probe().rights())["iam:CreateGroup"]
    assert (permission, why, by) == (right.permission, right.why, right.denied_by)


def test_what_is_denied_on_one_of_our_policies_is_denied(stub: AwsStub, probe: Probe):
    def decide(call: Call, action: str) -> Mapping[str, Any]:
        enrolment = call.params["ResourceArns"][0].endswith("ForceMFAEnrolment")
        return {"EvalDecision": "implicitDeny"} if enrolment and action == "iam:CreatePolicy" else {}

    stub.on("SimulatePrincipalPolicy", simulated(decide))
    assert Permission.DENIED is by_action(probe().rights())["iam:CreatePolicy"].permission


def test_a_simulation_in_pages_is_read_to_its_end(stub: AwsStub, probe: Probe):
    whole = simulated(lambda *_: {})

    def paged(call: Call) -> Mapping[str, Any]:
        results = whole(call)["EvaluationResults"]
        if "Marker" in call.params:
            return {"EvaluationResults": results[1:], "IsTruncated": False}
        return {"EvaluationResults": results[:1], "IsTruncated": True, "Marker": "2"}

    stub.on("SimulatePrincipalPolicy", paged)
    assert by_action(probe().rights()).keys() == READS | WRITES


def test_a_session_of_the_caller_is_simulated_as_its_role_with_its_path(stub: AwsStub, probe: Probe):
    arn = f"arn:aws:iam::{OWN}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1"
    role = {
        "Path": "/",
        "RoleName": "x",
        "RoleId": "AROA",
        "Arn": arn,
        "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
    }
    stub.on("GetRole", {"Role": role})
    stub.on("SimulatePrincipalPolicy", simulated(lambda *_: {}))
    caller = Caller(f"arn:aws:sts::{OWN}:assumed-role/AWSReservedSSO_Admin_1/ana", OWN)
    inside = probe(an_account(OWN), caller)
    assert "own credentials" == inside.role
    inside.rights()
    assert [{"RoleName": "AWSReservedSSO_Admin_1"}] == stub.called("GetRole")
    assert {arn} == {call["PolicySourceArn"] for call in stub.called("SimulatePrincipalPolicy")}


# --- By asking ---

NO_SIMULATION = [DENIED, Fail("InvalidAction", 400), Fail("NoSuchEntity", 404)]


@pytest.mark.parametrize("refusal", NO_SIMULATION, ids=lambda refusal: refusal.code)
def test_without_a_simulation_every_read_is_asked_once(
    refusal: Fail, stub: AwsStub, world: World, probe: Probe
):
    stub.on("SimulatePrincipalPolicy", refusal)
    found = by_action(probe().rights())
    assert found.keys() == READS | WRITES
    assert {Permission.ALLOWED} == {found[action].permission for action in READS}
    assert {FoundBy.ASKING} == {found[action].found_by for action in READS}
    counts = stub.counts() - Counter(["AssumeRole", "SimulatePrincipalPolicy", *(["ListAccessKeys"] * 2)])
    assert {action.partition(":")[2] for action in READS} == counts.keys()
    assert {1} == set(counts.values())


def test_a_write_is_never_tried_and_never_called_fine(stub: AwsStub, world: World, probe: Probe):
    stub.on("SimulatePrincipalPolicy", DENIED)
    found = by_action(probe().rights())
    assert {(Permission.UNTESTED, "no simulation: SimulatePrincipalPolicy: AccessDenied")} == {
        (found[action].permission, found[action].why) for action in WRITES
    }
    assert not WRITES & {f"iam:{call.operation}" for call in stub.calls}


@pytest.mark.parametrize("action", sorted(READS))
def test_a_read_that_is_denied_is_found_out(action: str, stub: AwsStub, world: World, probe: Probe):
    stub.on("SimulatePrincipalPolicy", DENIED)
    stub.on(action.partition(":")[2], DENIED)
    right = by_action(probe().rights())[action]
    assert (Permission.DENIED, FoundBy.ASKING, DENIED.message) == (
        right.permission,
        right.found_by,
        right.why,
    )


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ("because no identity-based policy allows the iam:GetUser action", DeniedBy.IDENTITY_POLICY),
        ("with an explicit deny in an identity-based policy", DeniedBy.IDENTITY_POLICY),
        (f"with an explicit deny in a service control policy: arn:aws:organizations::{OWN}:p", DeniedBy.SCP),
        ("because no service control policy allows the iam:GetUser action", DeniedBy.SCP),
        ("with an explicit deny in a resource control policy", DeniedBy.RCP),
        ("because no permissions boundary allows the iam:GetUser action", DeniedBy.BOUNDARY),
        ("because no session policy allows the iam:GetUser action", DeniedBy.SESSION_POLICY),
        ("because no VPC endpoint policy allows the iam:GetUser action", DeniedBy.ENDPOINT_POLICY),
        ("because no resource-based policy allows the iam:GetUser action", DeniedBy.RESOURCE_POLICY),
        ("", DeniedBy.UNKNOWN),
    ],
)
def test_the_policy_that_denies_a_read_is_taken_from_the_message(
    said: str, by: DeniedBy, stub: AwsStub, world: World, probe: Probe
):
    """IAM User Guide, "Troubleshoot access denied error messages"."""
    message = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/service-control-policy-test/me is not authorized to perform: "
    stub.on("SimulatePrincipalPolicy", DENIED)
    stub.on(
        "GetUser", Fail("AccessDenied", 403, f"{message}iam:GetUser on resource: user rollout-doctor {said}")
    )
    assert by is by_action(probe().rights())["iam:GetUser"].denied_by


@pytest.mark.parametrize(
    ("operation", "answer", "permission"),
    [
        ("GetCredentialReport", Fail("ReportNotPresent", 410), Permission.ALLOWED),
        ("GetCredentialReport", Fail("ReportInProgress", 404), Permission.ALLOWED),
        ("GenerateCredentialReport", Fail("LimitExceeded", 409), Permission.ALLOWED),
        ("GetAccountPasswordPolicy", Fail("NoSuchEntity", 404), Permission.ALLOWED),
        ("ListServiceSpecificCredentials", Fail("InvalidAction", 400), Permission.MISSING),
        ("GetAccountSummary", Fail("Throttling", 400), Permission.UNTESTED),
        ("GetUser", Fail("SomethingNew", 400), Permission.UNTESTED),
    ],
)
def test_only_what_proves_a_right_counts_as_one(
    operation: str, answer: Fail, permission: Permission, stub: AwsStub, world: World, probe: Probe
):
    stub.on("SimulatePrincipalPolicy", DENIED)
    stub.on(operation, answer)
    assert permission is by_action(probe().rights())[f"iam:{operation}"].permission


def test_the_use_of_a_key_is_asked_about_a_key_that_is_there(stub: AwsStub, world: World, probe: Probe):
    """AWS denies it for any other key."""
    stub.on("SimulatePrincipalPolicy", DENIED)
    probe().rights()
    assert [{"AccessKeyId": key_id("bob", 0)}] == stub.called("GetAccessKeyLastUsed")


def test_where_nobody_has_a_key_that_is_said(stub: AwsStub, world: World, probe: Probe):
    stub.on("SimulatePrincipalPolicy", DENIED)
    world.people.pop("bob")
    right = by_action(probe().rights())["iam:GetAccessKeyLastUsed"]
    assert (Permission.UNTESTED, "the account has nothing to try it on") == (right.permission, right.why)


def test_rights_are_found_by_a_session_that_cannot_write(stub: AwsStub, world: World, probe: Probe):
    stub.on("SimulatePrincipalPolicy", DENIED)
    probe().rights()
    policy = stub.called("AssumeRole")[0]["Policy"]
    assert "iam:SimulatePrincipalPolicy" in policy
    assert "iam:CreatePolicy" not in policy


# --- QuotaUsage ---


def test_holdings_are_counted_from_two_calls(stub: AwsStub, probe: Probe):
    World(stub)
    attached = [{"PolicyArn": ARN, "PolicyName": "ForceMFA"}]
    user = {
        "Path": "/",
        "UserName": "ana",
        "UserId": "AIDA",
        "Arn": f"arn:aws:iam::{ACCOUNT}:user/ana",
        "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
        "GroupList": ["a", "b", "c"],
        "AttachedManagedPolicies": attached,
    }
    versions = [{"VersionId": f"v{n}", "IsDefaultVersion": n == 3, "Document": "{}"} for n in (1, 2, 3)]
    stub.on(
        "GetAccountAuthorizationDetails",
        {
            "UserDetailList": [user],
            "GroupDetailList": [
                group_detail("ForceMFA", "/rollout/", [ARN]),
                group_detail("ForceMFAEnrolment", "/theirs/"),
                group_detail("admins"),
            ],
            "Policies": [
                {"Arn": ARN, "PolicyName": "ForceMFA", "Path": "/rollout/", "PolicyVersionList": versions}
            ],
            "IsTruncated": False,
        },
    )
    found = probe().quota_usage()
    assert {"Groups": 3, "GroupsQuota": 300} == found.numbers
    assert ({"ana": 3}, {"ana": 1}) == (found.groups, found.policies)
    assert ({ARN: 3}, {"ForceMFA": 1}) == (found.versions, found.attached)
    assert {"AssumeRole": 1, "GetAccountAuthorizationDetails": 1, "GetAccountSummary": 1} == stub.counts()


def test_users_are_listed_with_what_they_can_be_selected_by_and_asked_for_once(
    stub: AwsStub, world: World, probe: Probe
):
    inside = probe()
    inside.quota_usage()
    asked = dict(stub.counts())
    assert all(user.arn and user.id and user.name for user in inside.users())
    assert asked == stub.counts()


def test_users_that_may_not_be_listed_are_no_users(stub: AwsStub, world: World, probe: Probe):
    stub.on("GetAccountAuthorizationDetails", DENIED)
    with pytest.raises(CannotEnter, match="AccessDenied"):
        probe().users()


@pytest.mark.parametrize("operation", ["GetAccountSummary", "GetAccountAuthorizationDetails"])
def test_holdings_that_may_not_be_counted_are_no_numbers(
    operation: str, stub: AwsStub, world: World, probe: Probe
):
    stub.on(operation, DENIED)
    with pytest.raises(CannotEnter, match=f"{operation} in account {ACCOUNT}: AccessDenied"):
        probe().quota_usage()


def test_an_endpoint_without_numbers_has_none(stub: AwsStub, world: World, probe: Probe):
    stub.on("GetAccountSummary", Fail("InvalidAction", 400))
    assert {} == probe().quota_usage().numbers


def test_a_refusal_says_for_every_role_which_policy_denied_what(stub: AwsStub, probe: Probe):
    asked = "User: arn is not authorized to perform"
    stub.on(
        "AssumeRole",
        Fail("AccessDenied", 403, f"{asked}: sts:AssumeRole because no identity-based policy allows it"),
        Fail("AccessDenied", 403, f"{asked}: sts:TagSession because no role trust policy allows it"),
    )
    with pytest.raises(CannotEnter) as refused:
        probe()
    assert (
        Denial(DeniedBy.IDENTITY_POLICY, "sts:AssumeRole"),
        Denial(DeniedBy.TRUST_POLICY, "sts:TagSession"),
    ) == refused.value.denials


# --- Where calls are made from ---


def run_environment(connection: Connection, retries: Retries, name: str = "ForceMFA") -> AwsRunEnvironment:
    return AwsRunEnvironment(connection, WhoAmI(connection, retries), Names(name, name))


def test_a_clock_is_compared_with_the_answer_to_the_first_question(
    stub: AwsStub, connection: Connection, retries: Retries
):
    stub.headers["Date"] = "Tue, 24 Nov 2026 09:00:00 GMT"
    stub.on("GetCallerIdentity", {"Arn": CALLER.arn, "Account": OWN, "UserId": "AIDA"})
    skew = run_environment(connection, retries).environment_facts(CALLER).skew
    assert skew is not None
    expected = datetime.now(UTC) - datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert abs(skew - expected) < timedelta(seconds=30)


def test_without_a_caller_nothing_is_asked(stub: AwsStub, connection: Connection, retries: Retries):
    environment_facts = run_environment(connection, retries).environment_facts(None)
    assert (None, "aws", []) == (environment_facts.skew, environment_facts.region.partition, stub.calls)


def test_endpoints_of_aws_are_told_from_others(connection: Connection, retries: Retries):
    connection.endpoints |= {
        "iam": "https://iam.amazonaws.com",
        "sts": "https://sts.eu-west-1.api.aws",
        "organizations": "https://organizations.cn-northwest-1.amazonaws.com.cn",
        "s3": "https://amazonaws.com.example.org",
        "x": "http://localhost:5000",
    }
    found = {
        one.service: (one.of_aws, one.here)
        for one in run_environment(connection, retries).environment_facts(None).endpoints
    }
    assert {(True, False)} == {found[service] for service in ("iam", "sts")}
    assert {(False, False)} == {found[service] for service in ("organizations", "s3")}
    assert (False, True) == found["x"]


@pytest.mark.parametrize(("region", "partition"), [("us-gov-west-1", "aws-us-gov"), ("mars-1", "unknown")])
def test_the_partition_of_a_region_is_told(region: str, partition: str, retries: Retries):
    assert (
        partition
        == run_environment(Connection(region=region), retries).environment_facts(None).region.partition
    )


def test_whether_a_region_was_chosen_is_told(retries: Retries):
    assert run_environment(Connection(region="eu-west-1"), retries).environment_facts(None).region.chosen
    assert not run_environment(Connection(), retries).environment_facts(None).region.chosen


def test_session_policies_that_are_too_long_are_trouble(connection: Connection, retries: Retries):
    sessions = run_environment(connection, retries, "n" * 400).environment_facts(None).sessions
    assert isinstance(sessions, NoAnswer)
    assert "policy.name" in sessions.cure


def test_what_a_proof_needs_is_simulated_on_what_proofs_make(stub: AwsStub, probe: Probe):
    denied = {"EvalDecision": "implicitDeny"}
    stub.on(
        "SimulatePrincipalPolicy", simulated(lambda _, action: denied if action == "iam:CreateUser" else {})
    )
    found = by_action(probe().proof_rights())
    extra = {*actions_of(MAKING), *actions_of(ATTACHING), *actions_of(REMOVING), *actions_of(DETACHING)}
    assert extra | {"iam:ListUsers", "iam:ListGroups", "iam:ListRoles", "iam:GetRole"} == found.keys()
    assert {"iam:CreateUser"} == {
        action for action, right in found.items() if right.permission is Permission.DENIED
    }
    assert all(right.for_proof for right in found.values())
    resources = {call["ResourceArns"][0] for call in stub.called("SimulatePrincipalPolicy")} - {"*"}
    assert all("/rollout-proof/rollout-proof-" in arn for arn in resources)


def test_without_a_simulation_nothing_that_a_proof_needs_is_called_fine(stub: AwsStub, probe: Probe):
    stub.on("SimulatePrincipalPolicy", DENIED)
    assert {Permission.UNTESTED} == {right.permission for right in probe().proof_rights()}
