"""Facts in, checks out: every failure has a word, a sentence and a cure.

See aws-facts.md#errors-and-retries, aws-facts.md#roles-and-least-privilege.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.diagnosis.check import CheckResult, CheckSection, CheckState, Diagnosis
from rollout.domain.diagnosis.diagnose import diagnose
from rollout.domain.diagnosis.facts import (
    AccountProbe,
    Denial,
    DeniedBy,
    DoctorFacts,
    Endpoint,
    EntrySettings,
    EnvironmentFacts,
    FoundBy,
    NoAnswer,
    OrganizationFacts,
    Permission,
    QuotaUsage,
    Region,
    Right,
    SessionSize,
)
from rollout.domain.people.organization import AccountState, Caller
from rollout.domain.people.users import Unread
from rollout.domain.policy.our_resources import OurPolicy, State
from tests.builders import ACCOUNT, MANAGEMENT, ORGANIZATION, a_caller, an_account, an_organization

NUMBERS = {
    "Groups": 10,
    "GroupsQuota": 300,
    "Policies": 10,
    "PoliciesQuota": 1500,
    "PolicyVersionsInUse": 10,
    "PolicyVersionsInUseQuota": 10000,
    "VersionsPerPolicyQuota": 5,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "GroupsPerUserQuota": 10,
}
ARN = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
ENVIRONMENT = EnvironmentFacts(
    Region("eu-west-1"), (), timedelta(seconds=1), (SessionSize("reading", 640, 2048),)
)


def a_look(**fields) -> AccountProbe:
    given: dict[str, Any] = {"account": an_account(), "role": "Audit", "quota_usage": QuotaUsage(NUMBERS)}
    return AccountProbe(**(given | fields))


def the_organization(**fields) -> OrganizationFacts:
    given: dict[str, Any] = {
        "caller": a_caller(),
        "organization": an_organization(),
        "expected": ORGANIZATION,
        "accounts": (an_account(), an_account(MANAGEMENT, "management")),
        "control_policies": 3,
    }
    return OrganizationFacts(**(given | fields))


def seen(*accounts: AccountProbe, **fields) -> Diagnosis:
    given: dict[str, Any] = {
        "caller": a_caller(),
        "environment_facts": ENVIRONMENT,
        "organization": the_organization(),
        "accounts": accounts,
    }
    return diagnose(DoctorFacts(**(given | fields)))


def the(diagnosis: Diagnosis, name: str) -> CheckResult:
    (check,) = (check for check in diagnosis.checks if check.name == name)
    return check


def bad(diagnosis: Diagnosis) -> list[tuple[str, CheckState]]:
    return [(check.name, check.state) for check in diagnosis.checks if check.state is not CheckState.OK]


def test_what_is_well_is_said_to_be_well():
    diagnosis = seen(
        a_look(
            rights=(
                Right("iam:GetUser", writes=False, permission=Permission.ALLOWED, found_by=FoundBy.ASKING),
            )
        )
    )
    assert [] == bad(diagnosis)
    assert CheckState.OK is diagnosis.state
    assert not diagnosis.failed(*CheckSection)


def test_every_failure_has_a_cure():
    diagnosis = seen(
        a_look(refused=NoAnswer("no", "mend it")),
        a_look(rights=(Right("iam:GetUser", writes=False, permission=Permission.DENIED),)),
        a_look(quota_usage=NoAnswer("GetAccountSummary: AccessDenied", "allow it")),
        a_look(quota_usage=QuotaUsage({"Groups": 300, "GroupsQuota": 300})),
        *(
            a_look(policies=(OurPolicy(state, ARN, why="not ours"),))
            for state in (State.OTHER_STORE, State.CLASH)
        ),
        caller=Caller(f"arn:aws:iam::{MANAGEMENT}:root", MANAGEMENT),
        environment_facts=EnvironmentFacts(
            Region("cn-north-1", partition="aws-cn"), (), timedelta(hours=1), NoAnswer("too long", "x")
        ),
        organization=the_organization(control_policies=Unread("service control policies", "AccessDenied")),
    )
    failures = [check for check in diagnosis.checks if check.state is CheckState.FAILURE]
    assert 11 == len(failures)
    assert all(check.cures for check in failures)


# --- The caller ---


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        (f"arn:aws:iam::{MANAGEMENT}:user/ops/ana", "a user of account"),
        (f"arn:aws:sts::{MANAGEMENT}:assumed-role/Admin/ana", "a role session of account"),
        (f"arn:aws:sts::{MANAGEMENT}:federated-user/ana", "a federated user of account"),
        (f"arn:aws:iam::{MANAGEMENT}:root", "the root user of account"),
    ],
)
def test_the_caller_is_named_with_what_it_is(arn: str, said: str):
    assert said in the(seen(caller=Caller(arn, MANAGEMENT)), "identity").text


def test_the_root_user_cannot_assume_roles():
    check = the(seen(caller=Caller(f"arn:aws:iam::{MANAGEMENT}:root", MANAGEMENT)), "identity")
    assert (CheckState.FAILURE, "cannot assume roles") == (check.state, check.text[-19:])


def test_operators_are_told_that_they_are_held():
    source = f"arn:aws:iam::{MANAGEMENT}:user/ana"
    assert "ana: held as is-operator" in the(seen(caller=a_caller(source=source)), "operator").text
    assert "no IAM user is behind" in the(seen(), "operator").text


def test_without_a_caller_there_is_nothing_more_to_ask():
    diagnosis = seen(caller=NoAnswer("no AWS credentials were found", "set AWS_PROFILE"), organization=None)
    assert [("identity", CheckState.FAILURE)] == bad(diagnosis)
    assert ("set AWS_PROFILE",) == the(diagnosis, "identity").cures
    assert () == diagnosis.of(CheckSection.ORGANIZATION)


@pytest.mark.parametrize(
    ("skew", "state"),
    [
        (timedelta(seconds=60), CheckState.OK),
        (timedelta(seconds=61), CheckState.WARNING),
        (timedelta(seconds=-61), CheckState.WARNING),
        (timedelta(minutes=5), CheckState.WARNING),
        (timedelta(minutes=5, seconds=1), CheckState.FAILURE),
        (timedelta(days=-2), CheckState.FAILURE),
        (None, CheckState.WARNING),
    ],
)
def test_a_clock_may_be_off_a_little(skew: timedelta | None, state: CheckState):
    assert (
        state is the(seen(environment_facts=EnvironmentFacts(Region("eu-west-1"), (), skew)), "clock").state
    )


def test_which_way_the_clock_is_off_is_said():
    ahead = the(seen(environment_facts=EnvironmentFacts(Region("x"), (), timedelta(minutes=4))), "clock")
    behind = the(seen(environment_facts=EnvironmentFacts(Region("x"), (), timedelta(hours=-3))), "clock")
    assert "is 4 minutes ahead of AWS's" in ahead.text
    assert "is 3 hours behind AWS's" in behind.text


def test_the_embedded_organization_may_have_a_clock_of_its_own():
    here = Endpoint("sts", "http://127.0.0.1:5000", of_aws=False, here=True)
    check = the(seen(environment_facts=EnvironmentFacts(Region("x"), (here,), timedelta(days=-14))), "clock")
    assert CheckState.OK is check.state
    assert "14 days behind" in check.text


def test_a_region_of_another_partition_is_a_failure():
    check = the(
        seen(environment_facts=EnvironmentFacts(Region("us-gov-west-1", partition="aws-us-gov"), ())),
        "region",
    )
    assert (CheckState.FAILURE, ("set AWS_REGION to a Region of aws",)) == (check.state, check.cures)


def test_a_region_that_nobody_chose_is_said():
    check = the(seen(environment_facts=EnvironmentFacts(Region("us-east-1", chosen=False), ())), "region")
    assert (CheckState.OK, "us-east-1, the default, because none is configured") == (check.state, check.text)


@pytest.mark.parametrize(
    ("endpoint", "state"),
    [
        (Endpoint("iam", "https://iam.amazonaws.com"), CheckState.OK),
        (Endpoint("iam", "http://127.0.0.1:5000", of_aws=False, here=True), CheckState.OK),
        (Endpoint("iam", "https://aws.example.com", of_aws=False), CheckState.WARNING),
    ],
)
def test_signed_calls_that_go_elsewhere_are_worth_a_warning(endpoint: Endpoint, state: CheckState):
    check = the(
        seen(environment_facts=EnvironmentFacts(Region("x"), (endpoint,), timedelta())), "endpoint of iam"
    )
    assert state is check.state
    assert endpoint.url in check.text


def test_session_policies_are_shown_with_their_room():
    sizes = (SessionSize("reading", 640, 2048), SessionSize("writing", 1409, 2048))
    check = the(
        seen(environment_facts=EnvironmentFacts(Region("x"), (), timedelta(), sizes)), "session policies"
    )
    assert "reading 640 of 2,048 characters, writing 1,409 of 2,048 characters" == check.text


# --- The organization ---


def test_another_organization_is_told_apart_from_other_failures():
    diagnosis = seen(organization=the_organization(expected="o-elsewhere00"))
    assert diagnosis.other_organization
    assert (
        f"belong to {ORGANIZATION}, but rollout.yaml names o-elsewhere00"
        in the(diagnosis, "organization").text
    )
    assert ["organization"] == [check.name for check in diagnosis.of(CheckSection.ORGANIZATION)]


def test_an_organization_that_rollout_yaml_does_not_name_is_a_warning():
    check = the(seen(organization=the_organization(expected=None)), "organization")
    assert (CheckState.WARNING, (f"add organization: {ORGANIZATION} to rollout.yaml",)) == (
        check.state,
        check.cures,
    )


@pytest.mark.parametrize(
    ("account", "accounts", "state", "said"),
    [
        (MANAGEMENT, (an_account(),), CheckState.OK, "the management account"),
        (ACCOUNT, (an_account(),), CheckState.OK, "a delegated administrator"),
        (ACCOUNT, NoAnswer("not listable"), CheckState.FAILURE, "neither the management account nor"),
        (MANAGEMENT, NoAnswer("not listable"), CheckState.OK, "the management account"),
    ],
)
def test_where_one_stands_is_said(account, accounts, state, said):
    caller = a_caller(f"arn:aws:sts::{account}:assumed-role/Admin/ana", account)
    check = the(
        seen(caller=caller, organization=the_organization(caller=caller, accounts=accounts)), "standpoint"
    )
    assert state is check.state
    assert said in check.text


def test_accounts_that_cannot_be_listed_are_a_failure():
    diagnosis = seen(organization=the_organization(accounts=NoAnswer("AccessDenied", "allow it")))
    assert ("accounts", CheckState.FAILURE) in bad(diagnosis)
    assert diagnosis.failed(CheckSection.ORGANIZATION)


def test_accounts_are_counted():
    accounts = (an_account(), an_account(MANAGEMENT, state=AccountState.CLOSED))
    assert (
        "2 are listed, 1 of them active"
        == the(seen(organization=the_organization(accounts=accounts)), "accounts").text
    )


@pytest.mark.parametrize(
    ("found", "state", "said"),
    [
        (3, CheckState.OK, "3 apply to accounts"),
        (0, CheckState.OK, "none applies"),
        (None, CheckState.OK, "rules.scps is off"),
        (
            Unread("service control policies", "ListPolicies: AccessDenied"),
            CheckState.FAILURE,
            "every user would be unknown",
        ),
    ],
)
def test_service_control_policies_must_be_readable_or_out_of_the_question(found, state, said):
    check = the(seen(organization=the_organization(control_policies=found)), "service control policies")
    assert state is check.state
    assert said in check.text


# --- Entering ---


@pytest.mark.parametrize(
    ("by", "cause", "cure"),
    [
        (DeniedBy.IDENTITY_POLICY, "own policies", "sts:AssumeRole"),
        (DeniedBy.TRUST_POLICY, "trust policy", "name the caller"),
        (DeniedBy.RESOURCE_POLICY, "trust policy", "name the caller"),
        (DeniedBy.SCP, "service control", "management account"),
        (DeniedBy.RCP, "resource control", "management account"),
        (DeniedBy.BOUNDARY, "boundary", "boundary"),
        (DeniedBy.SESSION_POLICY, "own session policy", "less restricted"),
        (DeniedBy.ENDPOINT_POLICY, "VPC endpoint", "endpoint for STS"),
    ],
)
def test_the_policy_that_refused_leads_to_its_cure(by: DeniedBy, cause: str, cure: str):
    trouble = NoAnswer("AccessDenied for role Audit", "many things", (Denial(by, "sts:AssumeRole"),))
    check = the(seen(a_look(refused=trouble)), "enter")
    assert CheckState.FAILURE is check.state
    assert cause in check.text.partition("refused by ")[2]
    assert [True] == [cure in text for text in check.cures]


def test_every_policy_that_may_refuse_has_a_cure():
    for by in set(DeniedBy) - {DeniedBy.UNKNOWN}:
        trouble = NoAnswer("AccessDenied for role Audit", "", (Denial(by, "sts:AssumeRole"),))
        assert "refused by" in the(seen(a_look(refused=trouble)), "enter").text


@pytest.mark.parametrize("action", ["sts:TagSession", "sts:SetSourceIdentity"])
def test_what_is_passed_along_may_be_what_is_refused(action: str):
    denial = Denial(DeniedBy.TRUST_POLICY, action)
    check = the(seen(a_look(refused=NoAnswer("AccessDenied for role Audit", "", (denial,)))), "enter")
    assert f"allow {action} in the role's trust policy" in check.cures[0]


UNEXPLAINED = NoAnswer("AccessDenied for role Audit", "", (Denial(DeniedBy.UNKNOWN, "sts:AssumeRole"),))


def test_a_refusal_without_a_cause_gets_all_that_it_may_be():
    """STS gives one answer for a missing role, a trust policy, an external id and a suspended account."""
    check = the(seen(a_look(refused=UNEXPLAINED)), "enter")
    for word in (
        "the role does not exist",
        "trust policy does not name",
        "external_id is null",
        "service control",
    ):
        assert any(word in cure for cure in check.cures), word
    assert not any("TagSession" in cure or "SetSourceIdentity" in cure for cure in check.cures)


def test_what_was_set_is_among_the_suspects():
    way = EntrySettings(external_id=True, source_identity=True, session_tags=True)
    cures = the(seen(a_look(refused=UNEXPLAINED, entry_settings=way)), "enter").cures
    for word in ("other than the one in access.external_id", "sts:TagSession", "sts:SetSourceIdentity"):
        assert any(word in cure for cure in cures), word


@pytest.mark.parametrize(
    "why",
    [
        "role Audit: AssumeRole: Throttling: Rate exceeded (after 12 attempts)",
        "role Audit: AssumeRole: RegionDisabledException: STS is off",
        "role Audit: AssumeRole: PackedPolicyTooLarge: the session policies and session tags are too large",
        "role Audit landed in account 1, not in 2",
        "access.hop_role arn cannot be taken",
    ],
)
def test_other_troubles_keep_the_cure_that_came_with_them(why: str):
    assert ("its own",) == the(seen(a_look(refused=NoAnswer(why, "its own"))), "enter").cures


def test_an_account_that_is_left_alone_is_fine():
    check = the(seen(a_look(left_alone="closed")), "enter")
    assert (CheckState.OK, "not checked: closed") == (check.state, check.text)


def test_a_session_that_ends_on_the_way_is_the_callers_failure():
    ended = NoAnswer("the AWS session of the caller has ended", "sign in again")
    diagnosis = seen(a_look(), a_look(refused=ended, ends=True))
    assert ("sign in again",) == the(diagnosis, "session").cures
    assert diagnosis.failed(CheckSection.CALLER)


# --- Rights ---


def rights(
    permission: Permission,
    *actions: str,
    writes: bool = False,
    why: str = "",
    found_by: FoundBy = FoundBy.SIMULATION,
    denied_by: DeniedBy = DeniedBy.UNKNOWN,
):
    return tuple(Right(action, writes, permission, found_by, why, denied_by) for action in actions)


def test_rights_are_counted_with_how_they_were_found_out():
    check = the(seen(a_look(rights=rights(Permission.ALLOWED, "iam:GetUser", "iam:GetGroup"))), "read")
    assert (CheckState.OK, "2 of 2 actions allowed (by simulation)") == (check.state, check.text)


def test_what_is_denied_is_named_with_the_reason_and_the_cure():
    denied = rights(Permission.DENIED, "iam:GetUser", "iam:GetGroup", why="no policy allows it")
    check = the(seen(a_look(rights=(*denied, *rights(Permission.ALLOWED, "iam:GetPolicy")))), "read")
    assert CheckState.FAILURE is check.state
    assert (
        "1 of 3 actions allowed (by simulation); denied: iam:GetUser, iam:GetGroup (no policy allows it)"
        == check.text
    )
    assert ("allow Audit: iam:GetUser, iam:GetGroup",) == check.cures


@pytest.mark.parametrize(
    ("by", "cure"),
    [
        (DeniedBy.SCP, "service control policies that apply to this account allow iam:CreateGroup"),
        (DeniedBy.RCP, "resource control policies that apply to this account allow iam:CreateGroup"),
        (DeniedBy.BOUNDARY, "allow iam:CreateGroup in the permissions boundary of Audit"),
        (DeniedBy.SESSION_POLICY, "session that is less restricted"),
        (DeniedBy.ENDPOINT_POLICY, "allow iam:CreateGroup in the policy of the VPC endpoint for IAM"),
        (DeniedBy.IDENTITY_POLICY, "allow Audit: iam:CreateGroup"),
        (DeniedBy.RESOURCE_POLICY, "allow Audit: iam:CreateGroup"),
        (DeniedBy.UNKNOWN, "allow Audit: iam:CreateGroup"),
    ],
)
def test_where_it_is_denied_is_where_it_is_cured(by: DeniedBy, cure: str):
    denied = rights(Permission.DENIED, "iam:CreateGroup", writes=True, denied_by=by)
    (found,) = the(seen(a_look(rights=denied)), "write").cures
    assert cure in found


def test_the_cure_goes_by_the_type_and_not_by_the_sentence():
    """A tag or a name in AWS's sentence may read like a policy of another kind."""
    why = 'no identity-based policy allows it on "Service control policy test"'
    denied = rights(Permission.DENIED, "iam:GetUser", why=why, denied_by=DeniedBy.IDENTITY_POLICY)
    assert ("allow Audit: iam:GetUser",) == the(seen(a_look(rights=denied)), "read").cures


def test_actions_that_different_policies_deny_have_a_cure_each():
    denied = (
        *rights(Permission.DENIED, "iam:GetUser", denied_by=DeniedBy.SCP),
        *rights(Permission.DENIED, "iam:GetGroup", denied_by=DeniedBy.IDENTITY_POLICY),
    )
    by_scp, by_own = the(seen(a_look(rights=denied)), "read").cures
    assert "iam:GetGroup" not in by_scp
    assert "allow Audit: iam:GetGroup" == by_own


def test_what_was_not_tested_is_never_fine():
    found = rights(
        Permission.UNTESTED,
        *(f"iam:Write{n}" for n in range(7)),
        writes=True,
        why="no simulation: AccessDenied",
    )
    check = the(seen(a_look(rights=found)), "write")
    assert CheckState.WARNING is check.state
    assert "allowed" not in check.text
    assert "not tested: iam:Write0, iam:Write1, iam:Write2, iam:Write3, iam:Write4 and 2 more" in check.text
    assert "iam:SimulatePrincipalPolicy" in check.cures[0]


def test_what_an_endpoint_does_not_offer_is_worth_a_word():
    check = the(seen(a_look(rights=rights(Permission.MISSING, "iam:ListServiceSpecificCredentials"))), "read")
    assert (CheckState.WARNING, "not offered by this endpoint: iam:ListServiceSpecificCredentials") == (
        check.state,
        check.text,
    )


# --- Quotas ---


def quotas(**fields) -> list[CheckResult]:
    given: dict[str, Any] = {"numbers": NUMBERS} | fields
    return [check for check in seen(a_look(quota_usage=QuotaUsage(**given))).checks if check.name == "quotas"]


def test_quotas_with_room_are_fine():
    (check,) = quotas(groups={"ana": 8}, policies={"ana": 8}, versions={ARN: 4}, attached={"ForceMFA": 1})
    assert (CheckState.OK, "none is used to 90 % or more") == (check.state, check.text)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"numbers": NUMBERS | {"Groups": 270}, "attached": {"ForceMFA": 1}}, "270 of 300 groups"),
        ({"numbers": NUMBERS | {"Policies": 1350}}, "1350 of 1500 policies"),
        ({"numbers": NUMBERS | {"PolicyVersionsInUse": 9000}}, "9000 of 10000 policy versions in use"),
        ({"versions": {ARN: 5}}, f"5 of 5 versions of {ARN}"),
        ({"attached": {"ForceMFA": 9}}, "9 of 10 policies attached to group ForceMFA"),
        ({"groups": {"ana": 9, "bob": 10, "eve": 2}}, "2 users with 9 or more of 10 groups: ana, bob"),
        ({"policies": {"ana": 10}}, "1 user with 10 or more of 10 policies attached to them: ana"),
        ({"numbers": NUMBERS | {"Groups": 300}, "attached": {"ForceMFA": 1}}, "300 of 300 groups"),
    ],
)
def test_quotas_close_to_their_end_are_a_warning(fields, said: str):
    (check,) = quotas(**fields)
    assert (CheckState.WARNING, said) == (check.state, check.text)
    assert check.cures


@pytest.mark.parametrize(("used", "what"), [("Groups", "groups"), ("Policies", "policies")])
def test_a_quota_that_leaves_no_room_for_what_is_ours_is_a_failure(used: str, what: str):
    (check,) = quotas(numbers=NUMBERS | {used: NUMBERS[f"{used}Quota"]})
    assert CheckState.FAILURE is check.state
    assert f"which leaves no room for the {what} of this tool" in check.text


def test_limits_that_nobody_tells_are_not_fine():
    (check,) = quotas(numbers={})
    assert CheckState.WARNING is check.state
