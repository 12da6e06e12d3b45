"""Listing the organization as it really is (aws-facts.md#organizations)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from rollout.aws.connect.organizations import AwsOrganization
from rollout.aws.connect.ou_tree import ids_on_path
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.organization import AccountState
from rollout.domain.people.users import Unread
from rollout.errors import AwsFailure, ExpiredCredentials, NoCredentials, OrganizationNotListable
from rollout.workflows.ports import PolicyLevels
from tests.aws.stub import AwsStub, Call, Fail

MANAGEMENT, PROD, DEV = "111122223333", "012345678901", "444455556666"
CALLER = {"Arn": f"arn:aws:sts::{MANAGEMENT}:assumed-role/Admin/ana", "Account": MANAGEMENT, "UserId": "AROA"}
ORG = {"Organization": {"Id": "o-a1b2c3d4e5", "MasterAccountId": MANAGEMENT, "FeatureSet": "ALL"}}
SCPS_ON = [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
OUS = {
    "r-root": [("ou-root-work", "Workloads")],
    "ou-root-work": [("ou-root-prod", "Prod & <Co>"), ("ou-root-dev", "Dev")],
}
HOME = {MANAGEMENT: "r-root", PROD: "ou-root-prod", DEV: "ou-root-dev"}
WAYS = {
    MANAGEMENT: f"o-a1b2c3d4e5/r-root/{MANAGEMENT}/",
    PROD: f"o-a1b2c3d4e5/r-root/ou-root-work/ou-root-prod/{PROD}/",
    DEV: f"o-a1b2c3d4e5/r-root/ou-root-work/ou-root-dev/{DEV}/",
}


def account(account_id: str, **more: Any) -> dict[str, Any]:
    """An account as `ListAccounts` has it."""
    return {
        "Id": account_id,
        "Name": f"name-{account_id}",
        "Email": f"{account_id}@example.com",
        "State": "ACTIVE",
        "Paths": [WAYS[account_id]] if account_id in WAYS else [],
        "JoinedTimestamp": datetime(2024, 1, 1, tzinfo=UTC),
        **more,
    }


@pytest.fixture
def listed(stub: AwsStub) -> AwsStub:
    """An organization of three accounts."""
    stub.on("GetCallerIdentity", CALLER)
    stub.on("DescribeOrganization", ORG)
    stub.on("ListAccounts", {"Accounts": [account(one) for one in (MANAGEMENT, PROD, DEV)]})
    stub.on("ListRoots", {"Roots": [{"Id": "r-root", "Name": "Root", "PolicyTypes": SCPS_ON}]})

    def ous(call: Call) -> Mapping[str, Any]:
        found = OUS.get(call.params["ParentId"], [])
        return {"OrganizationalUnits": [{"Id": ou, "Name": name} for ou, name in found]}

    def accounts_in(call: Call) -> Mapping[str, Any]:
        here = [one for one, parent in HOME.items() if parent == call.params["ParentId"]]
        return {"Accounts": [{"Id": one} for one in here]}

    stub.on("ListOrganizationalUnitsForParent", ous)
    stub.on("ListAccountsForParent", accounts_in)
    return stub


@pytest.fixture
def organization(listed: AwsStub, connection: Connection, retries: Retries) -> AwsOrganization:
    return AwsOrganization(connection, retries=retries)


def test_accounts_carry_the_names_of_their_ous(organization: AwsOrganization, listed: AwsStub):
    assert [
        (PROD, "Workloads/Prod & <Co>"),
        (MANAGEMENT, ""),
        (DEV, "Workloads/Dev"),
    ] == [(one.id, one.ou) for one in organization.accounts()]
    assert 0 == listed.counts()["ListAccountsForParent"]
    assert 2 == listed.counts()["ListOrganizationalUnitsForParent"]


def test_without_paths_the_tree_is_walked(organization: AwsOrganization, listed: AwsStub):
    with_paths = organization.accounts()
    listed.on("ListAccounts", {"Accounts": [account(one, Paths=[]) for one in (MANAGEMENT, PROD, DEV)]})
    assert with_paths == organization.accounts()
    assert listed.counts()["ListAccountsForParent"]


def test_an_account_that_hangs_nowhere_is_an_error(organization: AwsOrganization, listed: AwsStub):
    stray = account("999999999999")
    listed.on("ListAccounts", {"Accounts": [account(PROD), stray]})
    with pytest.raises(AwsFailure, match=r"under none of the OUs that could be listed \(1\): 999999999999"):
        organization.accounts()


def test_the_list_goes_on_after_an_empty_page_and_ends_without_a_token(
    organization: AwsOrganization, listed: AwsStub
):
    listed.on(
        "ListAccounts",
        {"Accounts": [account(MANAGEMENT)], "NextToken": "two"},
        {"Accounts": [], "NextToken": "three"},
        {"Accounts": [account(PROD)]},
    )
    assert [PROD, MANAGEMENT] == [one.id for one in organization.accounts()]
    assert [{}, {"NextToken": "two"}, {"NextToken": "three"}] == listed.called("ListAccounts")


def test_an_account_on_two_pages_is_one_account(organization: AwsOrganization, listed: AwsStub):
    """It moved while we listed."""
    listed.on(
        "ListAccounts",
        {"Accounts": [account(PROD), account(MANAGEMENT)], "NextToken": "two"},
        {"Accounts": [account(PROD)]},
    )
    assert [PROD, MANAGEMENT] == [one.id for one in organization.accounts()]


def test_state_wins_over_the_retired_status(organization: AwsOrganization, listed: AwsStub):
    closed = account(PROD, State="CLOSED", Status="SUSPENDED")
    old = account(DEV, Status="PENDING_CLOSURE")
    del old["State"]
    listed.on("ListAccounts", {"Accounts": [closed, old]})
    states = [one.state for one in organization.accounts()]
    assert [AccountState.CLOSED, AccountState.PENDING_CLOSURE] == states


@pytest.mark.parametrize(
    ("fields", "said"), [({}, "neither State nor Status"), ({"State": "PAUSED"}, "'PAUSED'")]
)
def test_an_account_of_unknown_state_is_an_error(
    fields: dict[str, str], said: str, organization: AwsOrganization, listed: AwsStub
):
    odd = account(PROD)
    del odd["State"]
    listed.on("ListAccounts", {"Accounts": [odd | fields]})
    with pytest.raises(AwsFailure, match=said):
        organization.accounts()


def test_where_people_are_let_out_an_account_of_unknown_state_is_tried(
    listed: AwsStub, connection: Connection, retries: Retries
):
    listed.on("ListAccounts", {"Accounts": [account(PROD, State="PAUSED"), account(DEV)]})
    organization = AwsOrganization(connection, any_state=True, retries=retries)
    assert {AccountState.ACTIVE} == {one.state for one in organization.accounts()}
    (doubt,) = organization.doubtful
    assert f"account {PROD} has the unknown state 'PAUSED'" in doubt


def test_tags_are_read_only_when_asked_for(
    listed: AwsStub, organization: AwsOrganization, connection: Connection, retries: Retries
):
    listed.on(
        "ListTagsForResource",
        lambda call: (
            {"Tags": [{"Key": "env", "Value": "prod"}]}
            if "NextToken" in call.params
            else {"Tags": [], "NextToken": "more"}
        ),
    )
    assert {} == organization.accounts()[0].tags
    tagged = AwsOrganization(connection, with_tags=True, retries=retries)
    assert {"env": "prod"} == tagged.accounts()[0].tags


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_the_organization_knows_its_partition(partition: str, organization: AwsOrganization, listed: AwsStub):
    listed.on("GetCallerIdentity", CALLER | {"Arn": CALLER["Arn"].replace("arn:aws:", f"arn:{partition}:")})
    found = organization.organization()
    assert ("o-a1b2c3d4e5", MANAGEMENT, partition) == (found.id, found.management_account_id, found.partition)


def test_a_new_account_is_known_by_awss_own_clock(organization: AwsOrganization, listed: AwsStub):
    listed.headers["Date"] = "Tue, 24 Nov 2026 09:00:00 GMT"
    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    new = account(PROD, JoinedTimestamp=now - timedelta(hours=3))
    listed.on("ListAccounts", {"Accounts": [new, account(DEV)]})
    assert [True, False] == [organization.is_new(one) for one in organization.accounts()]


@pytest.mark.parametrize(
    ("operation", "answer", "ending"),
    [
        ("ListAccounts", Fail("AccessDeniedException"), OrganizationNotListable),
        ("ListRoots", Fail("AccessDeniedException"), OrganizationNotListable),
        ("ListOrganizationalUnitsForParent", Fail("AccessDeniedException"), OrganizationNotListable),
        ("ListAccounts", Fail("AWSOrganizationsNotInUseException"), OrganizationNotListable),
        ("ListAccounts", Fail("UnrecognizedClientException"), NoCredentials),
        ("ListAccounts", Fail("ExpiredTokenException"), ExpiredCredentials),
        ("ListAccounts", Fail("InvalidInputException"), AwsFailure),
        ("ListAccounts", Fail("TooManyRequestsException"), AwsFailure),
    ],
)
def test_what_cannot_be_listed_ends_the_command_with_a_cure(
    operation: str, answer: Fail, ending: type[Exception], organization: AwsOrganization, listed: AwsStub
):
    listed.on(operation, answer)
    with pytest.raises(ending, match=answer.code):
        organization.accounts()


@pytest.mark.parametrize(
    "answer",
    [
        Fail("TooManyRequestsException", 400),
        Fail("ServiceException", 400),
        Fail("ServiceException", 500),
        Fail("ConcurrentModificationException", 400),
    ],
)
def test_organizations_has_transient_errors_of_its_own(
    answer: Fail, organization: AwsOrganization, listed: AwsStub
):
    listed.on("DescribeOrganization", answer, ORG)
    assert "o-a1b2c3d4e5" == organization.organization().id
    assert 1 == organization.tally.retries


def test_no_organization_says_whose_credentials_are_wanted(organization: AwsOrganization, listed: AwsStub):
    listed.on("DescribeOrganization", Fail("AWSOrganizationsNotInUseException"))
    with pytest.raises(OrganizationNotListable, match="does not belong to an organization") as caught:
        organization.organization()
    assert "management account" in caught.value.cure


# --- Service control policies ---

FULL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@pytest.fixture
def controlled(listed: AwsStub) -> AwsStub:
    """FullAWSAccess everywhere, and one policy on an OU."""
    listed.on(
        "ListPolicies",
        {"Policies": [{"Id": "p-full", "Name": "FullAWSAccess"}], "NextToken": "more"},
        {"Policies": [{"Id": "p-deny", "Name": "DenyMfa"}, {"Id": "p-idle", "Name": "Idle"}]},
    )
    targets = {
        "p-full": ["r-root", "ou-root-work", "ou-root-prod", "ou-root-dev", MANAGEMENT, PROD, DEV],
        "p-deny": ["ou-root-prod"],
        "p-idle": [],
    }
    listed.on(
        "ListTargetsForPolicy",
        lambda call: {"Targets": [{"TargetId": one} for one in targets[call.params["PolicyId"]]]},
    )
    listed.on("DescribePolicy", {"Policy": {"Content": FULL}})
    return listed


def test_policies_are_read_by_policy_and_placed_on_the_way_to_each_account(
    organization: AwsOrganization, controlled: AwsStub
):
    accounts = organization.accounts()
    levels = organization.policy_levels(accounts)
    assert isinstance(levels, PolicyLevels)
    names = {
        one: [sorted(policy.name for policy in level) for level in on_way]
        for one, on_way in levels.by_account.items()
    }
    full = ["FullAWSAccess"]
    assert {
        MANAGEMENT: [],
        PROD: [full, full, ["DenyMfa", *full], full],
        DEV: [full, full, full, full],
    } == names
    assert {
        "ListPolicies": 2,
        "ListTargetsForPolicy": 3,
        "DescribePolicy": 2,
    }.items() <= controlled.counts().items()


def test_documents_are_decoded(organization: AwsOrganization, controlled: AwsStub):
    levels = organization.policy_levels(organization.accounts())
    assert isinstance(levels, PolicyLevels)
    document = levels.by_account[DEV][0][0].document
    assert not isinstance(document, str)
    assert "2012-10-17" == document["Version"]


def test_where_scps_are_not_turned_on_nobody_has_any(organization: AwsOrganization, controlled: AwsStub):
    controlled.on("ListRoots", {"Roots": [{"Id": "r-root", "Name": "Root", "PolicyTypes": []}]})
    levels = organization.policy_levels(organization.accounts())
    assert PolicyLevels({MANAGEMENT: (), PROD: (), DEV: ()}) == levels
    assert 0 == controlled.counts()["ListPolicies"]


@pytest.mark.parametrize("operation", ["ListPolicies", "ListTargetsForPolicy", "DescribePolicy"])
def test_policies_that_may_not_be_read_are_unread_and_not_absent(
    operation: str, organization: AwsOrganization, controlled: AwsStub
):
    controlled.on(operation, Fail("AccessDeniedException"))
    unread = organization.policy_levels(organization.accounts())
    assert Unread("service control policies", f"{operation}: AccessDeniedException") == unread


def test_policies_can_be_asked_for_before_the_accounts(organization: AwsOrganization, controlled: AwsStub):
    accounts = organization.accounts()
    assert isinstance(AwsOrganization(organization._connection).policy_levels(accounts), PolicyLevels)


@pytest.mark.parametrize(
    ("paths", "way"),
    [
        (["o-a/r-b/111122223333/"], ("r-b",)),
        (["o-a/r-b/ou-b-1/ou-b-2/111122223333/"], ("r-b", "ou-b-1", "ou-b-2")),
        ([], ()),
        (["nonsense"], ()),
    ],
)
def test_a_path_is_read_from_the_root(paths: list[str], way: tuple[str, ...]):
    assert way == ids_on_path(paths)


def together(answer: Any, meeting: Barrier) -> Callable[[Call], Any]:
    """Answer when as many calls have come as are to come at the same time."""

    def answered(call: Call) -> Any:
        meeting.wait(10)
        return answer(call) if callable(answer) else answer

    return answered


def test_what_does_not_depend_on_each_other_is_asked_at_the_same_time(
    organization: AwsOrganization, listed: AwsStub
):
    """Listing thousands of accounts takes long enough by itself."""
    accounts = {"Accounts": [account(one) for one in (MANAGEMENT, PROD, DEV)]}
    roots = {"Roots": [{"Id": "r-root", "Name": "Root", "PolicyTypes": SCPS_ON}]}
    first, second, third = Barrier(2), Barrier(2), Barrier(2)
    listed.on("ListAccounts", together(accounts, first))
    listed.on("ListRoots", together(roots, first))
    names = {
        call: {"OrganizationalUnits": [{"Id": ou, "Name": name} for ou, name in OUS[call]]} for call in OUS
    }
    listed.on(
        "ListOrganizationalUnitsForParent", together(lambda call: names[call.params["ParentId"]], second)
    )
    listed.on("ListPolicies", {"Policies": [{"Id": f"p-{number}", "Name": "P"} for number in range(2)]})
    targets = {"Targets": [{"TargetId": "r-root"}]}
    listed.on("ListTargetsForPolicy", together(targets, third))
    listed.on("DescribePolicy", together({"Policy": {"Content": "{}"}}, third))

    assert 3 == len(organization.accounts())
    assert isinstance(organization.policy_levels(organization.accounts()), PolicyLevels)
