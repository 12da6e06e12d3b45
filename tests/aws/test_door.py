"""Entering accounts: role after role, narrowed, and checked where it landed (design.md#accounts)."""

import json
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from rollout.aws.connect.account_access import (
    NO_EXTERNAL_ID,
    AccountEntrySettings,
    AwsAccountAccess,
    RoleChoice,
    sanitised,
)
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.diagnosis.facts import Denial, DeniedBy
from rollout.domain.people.organization import Account, AccountState, Caller
from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import AddMember
from rollout.domain.policy.our_resources import Names
from rollout.errors import ExpiredCredentials
from rollout.workflows.ports import CannotEnter
from tests.aws.conftest import FakeTime
from tests.aws.stub import AwsStub, Call, Fail
from tests.aws.world import ACCOUNT, Person, World
from tests.fakes import FakeClock

OWN = "111122223333"
CALLER = Caller(f"arn:aws:iam::{OWN}:user/admin", OWN)
MAKE_DOOR = Callable[..., AwsAccountAccess]


def an_account(account_id: str = ACCOUNT) -> Account:
    return Account(account_id, "payments", "p@example.com", AccountState.ACTIVE, "")


def session_of(
    role_arn: str, key_id: str = "ASIASESSION00000", lands: str | None = None
) -> Mapping[str, Any]:
    """What STS answers: keys, and the session's ARN."""
    fields = role_arn.split(":")
    role = fields[5].rpartition("/")[2]
    return {
        "Credentials": {
            "AccessKeyId": key_id,
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            # In the past by our clock: it must not matter.
            "Expiration": datetime(2020, 1, 1, tzinfo=UTC),
        },
        "AssumedRoleUser": {
            "Arn": f"arn:{fields[1]}:sts::{lands or fields[4]}:assumed-role/{role}/rollout",
            "AssumedRoleId": "AROA:rollout",
        },
    }


@pytest.fixture
def open_roles(stub: AwsStub) -> AwsStub:
    """Every role lets us in."""
    World(stub, [Person("ana")])
    stub.on("AssumeRole", lambda call: session_of(call.params["RoleArn"]))
    return stub


@pytest.fixture
def access(connection: Connection, retries: Retries, clock: FakeClock) -> MAKE_DOOR:
    def make(
        entry_settings: AccountEntrySettings | None = None,
        *,
        writing: bool = False,
        caller: Caller = CALLER,
        **more: Any,
    ) -> AwsAccountAccess:
        return AwsAccountAccess(
            connection, caller, clock, Names(), entry_settings, writing=writing, retries=retries, **more
        )

    return make


def test_the_own_account_is_entered_with_own_credentials(open_roles: AwsStub, access: MAKE_DOOR):
    opened = access().enter(an_account(OWN))
    assert ["ana"] == [user.name for user in opened.read().users]
    assert "own credentials" == opened.role
    assert {"testing"} == {call.key_id for call in open_roles.calls}
    assert 0 == open_roles.counts()["AssumeRole"]


def test_the_own_account_may_be_entered_by_a_role_instead(open_roles: AwsStub, access: MAKE_DOOR):
    opened = access(AccountEntrySettings(own_account_role="Narrow")).enter(an_account(OWN))
    assert "Narrow" == opened.role
    assert f"arn:aws:iam::{OWN}:role/Narrow" == open_roles.called("AssumeRole")[0]["RoleArn"]


def test_another_account_is_read_with_the_session_and_in_nine_calls(open_roles: AwsStub, access: MAKE_DOOR):
    entrance = access()
    opened = entrance.enter(an_account())
    opened.read()
    assert "OrganizationAccountAccessRole" == opened.role
    assert {"ASIASESSION00000"} == {call.key_id for call in open_roles.calls if call.service == "iam"}
    assert 9 == len(open_roles.calls) == entrance.effort(ACCOUNT).calls


def test_the_management_account_is_entered_like_any_other_by_a_delegated_administrator(
    open_roles: AwsStub, access: MAKE_DOOR
):
    delegate = Caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/Delegate/ana", ACCOUNT)
    assert "OrganizationAccountAccessRole" == access(caller=delegate).enter(an_account(OWN)).role


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-cn"])
def test_roles_are_spelled_in_the_callers_partition(partition: str, open_roles: AwsStub, access: MAKE_DOOR):
    access(caller=Caller(f"arn:{partition}:iam::{OWN}:user/admin", OWN, partition)).enter(an_account())
    (params,) = open_roles.called("AssumeRole")
    assert f"arn:{partition}:iam::{ACCOUNT}:role/OrganizationAccountAccessRole" == params["RoleArn"]


def test_roles_are_tried_in_order(stub: AwsStub, access: MAKE_DOOR):
    stub.on(
        "AssumeRole",
        lambda call: (
            session_of(call.params["RoleArn"])
            if call.params["RoleArn"].endswith("AWSControlTowerExecution")
            else Fail("AccessDenied", 403)
        ),
    )
    assert "AWSControlTowerExecution" == access().enter(an_account()).role


def test_when_every_role_is_refused_they_are_all_named_with_the_cure(
    stub: AwsStub, access: MAKE_DOOR, fake_time: FakeTime
):
    stub.on("AssumeRole", Fail("AccessDenied", 403))
    with pytest.raises(CannotEnter) as caught:
        access().enter(an_account())
    assert (
        "AccessDenied for roles OrganizationAccountAccessRole, AWSControlTowerExecution" == caught.value.why
    )
    assert all(word in caught.value.cure for word in (CALLER.arn, "trust", "external ID", "access.overrides"))
    assert 2 == stub.counts()["AssumeRole"]
    assert [] == fake_time.slept


def test_throttling_is_no_refusal(stub: AwsStub, access: MAKE_DOOR):
    stub.on(
        "AssumeRole",
        Fail("Throttling", 400),
        Fail("ServiceUnavailable", 503),
        lambda call: session_of(call.params["RoleArn"]),
    )
    assert "OrganizationAccountAccessRole" == access().enter(an_account()).role


def test_the_roles_of_a_new_account_get_one_late_try(stub: AwsStub, access: MAKE_DOOR, fake_time: FakeTime):
    refused = Fail("AccessDenied", 403)
    stub.on("AssumeRole", refused, refused, lambda call: session_of(call.params["RoleArn"]))
    assert "OrganizationAccountAccessRole" == access(is_new=lambda _: True).enter(an_account()).role
    assert [10.0] == fake_time.slept


def test_the_roles_of_a_new_account_get_no_more_than_one(stub: AwsStub, access: MAKE_DOOR):
    stub.on("AssumeRole", Fail("AccessDenied", 403))
    with pytest.raises(CannotEnter):
        access(is_new=lambda _: True).enter(an_account())
    assert 4 == stub.counts()["AssumeRole"]


def test_landing_in_another_account_is_no_entry(stub: AwsStub, access: MAKE_DOOR):
    stub.on("AssumeRole", lambda call: session_of(call.params["RoleArn"], lands="999999999999"))
    with pytest.raises(
        CannotEnter, match=f"OrganizationAccountAccessRole is in account 999999999999, not in {ACCOUNT}"
    ):
        access().enter(an_account())
    assert [] == [call for call in stub.calls if call.service == "iam"]


@pytest.mark.parametrize(
    ("answer", "cure"),
    [
        (Fail("RegionDisabledException", 403), "AWS_DEFAULT_REGION"),
        (Fail("PackedPolicyTooLarge", 400), "shorter names"),
        (Fail("ValidationError", 400), ""),
    ],
)
def test_other_refusals_are_told_with_their_own_cure(
    answer: Fail, cure: str, stub: AwsStub, access: MAKE_DOOR
):
    stub.on("AssumeRole", answer)
    with pytest.raises(CannotEnter, match=answer.code) as caught:
        access().enter(an_account())
    assert cure in caught.value.cure
    assert 1 == stub.counts()["AssumeRole"]


def test_when_the_callers_own_session_has_ended_nothing_goes_on(stub: AwsStub, access: MAKE_DOOR):
    stub.on("AssumeRole", Fail("ExpiredToken", 403))
    with pytest.raises(ExpiredCredentials):
        access().enter(an_account())


def test_overrides_name_other_roles_and_another_external_id(open_roles: AwsStub, access: MAKE_DOOR):
    entry_settings = AccountEntrySettings(
        external_id="for-all",
        overrides={
            ACCOUNT: RoleChoice(("SecurityAudit",), "just-here"),
            "222233334444": RoleChoice(("Other",)),
        },
    )
    entrance = access(entry_settings)
    for account_id in (ACCOUNT, "222233334444", "333344445555"):
        entrance.enter(an_account(account_id))
    assert [
        ("SecurityAudit", "just-here"),
        ("Other", "for-all"),
        ("OrganizationAccountAccessRole", "for-all"),
    ] == [
        (params["RoleArn"].rpartition("/")[2], params["ExternalId"])
        for params in open_roles.called("AssumeRole")
    ]


def test_an_account_for_which_no_role_is_set_says_so(open_roles: AwsStub, access: MAKE_DOOR):
    with pytest.raises(CannotEnter, match="no role is configured for this account"):
        access(AccountEntrySettings(overrides={ACCOUNT: RoleChoice(())})).enter(an_account())


OVERRIDES = {
    "222233334444": RoleChoice(external_id="theirs"),
    "333344445555": RoleChoice(external_id=NO_EXTERNAL_ID),
}
OU_OVERRIDES = {
    "Partners/Quiet": RoleChoice(external_id=NO_EXTERNAL_ID),
    "Partners/*": RoleChoice(("Guest",), "partners"),
    "*/Late": RoleChoice(("Late",), "late"),
}


@pytest.mark.parametrize(
    ("account_id", "ou", "role", "sent"),
    [
        ("555566667777", "Workloads", "Audit", "for-all"),
        ("222233334444", "Workloads", "Audit", "theirs"),
        ("222233334444", "Partners/West", "Guest", "theirs"),
        ("333344445555", "Partners/West", "Guest", None),
        ("444455556666", "Partners/West", "Guest", "partners"),
        ("444455556666", "Partners/Quiet/Deep", "Audit", None),
        ("444455556666", "Partners/Late", "Guest", "partners"),
        ("444455556666", "Workloads/Late", "Late", "late"),
    ],
)
def test_an_external_id_goes_to_the_accounts_that_it_is_for(
    account_id: str, ou: str, role: str, sent: str | None, open_roles: AwsStub, access: MAKE_DOOR
):
    ways = AccountEntrySettings(("Audit",), None, "for-all", OVERRIDES, OU_OVERRIDES)
    access(ways).enter(replace(an_account(account_id), ou=ou))
    (params,) = open_roles.called("AssumeRole")
    assert (role, sent) == (params["RoleArn"].rpartition("/")[2], params.get("ExternalId"))
    told = repr((ways, ways.into(an_account(account_id))))
    assert not any(secret in told for secret in ("for-all", "theirs", "partners'"))


def test_an_external_id_that_an_answer_repeats_is_not_repeated(stub: AwsStub, access: MAKE_DOOR):
    secret = "s3cret-id"
    stub.on("AssumeRole", Fail("ValidationError", 400, f"Value '{secret}' at 'externalId' is not valid"))
    with pytest.raises(CannotEnter) as refused:
        access(AccountEntrySettings(external_id=secret)).enter(an_account())
    assert "Value '…' at 'externalId'" in refused.value.why
    assert secret not in "".join(traceback.format_exception(refused.value))


def test_sessions_are_narrowed_short_and_without_tags(open_roles: AwsStub, access: MAKE_DOOR):
    access(AccountEntrySettings(session_name="rollout/ana b")).enter(an_account())
    (params,) = open_roles.called("AssumeRole")
    actions = json.loads(params["Policy"])["Statement"][0]["Action"]
    assert "iam:GetAccountAuthorizationDetails" in actions
    assert {"RoleArn", "RoleSessionName", "Policy", "DurationSeconds"} == params.keys()
    assert ("3600", "rollout-ana-b") == (params["DurationSeconds"], params["RoleSessionName"])
    assert "AddUserToGroup" not in params["Policy"]


def test_only_a_door_for_writing_asks_for_writes(open_roles: AwsStub, access: MAKE_DOOR):
    open_roles.on("AddUserToGroup", {})
    opened = access(writing=True).enter(an_account())
    opened.make(AddMember(ACCOUNT, "ForceMFA", UserRef(ACCOUNT, "ana", "AIDA", "arn")))
    assert "AddUserToGroup" in open_roles.called("AssumeRole")[0]["Policy"]


def test_a_source_identity_is_set_only_when_asked_for(open_roles: AwsStub, access: MAKE_DOOR):
    access(AccountEntrySettings(source_identity="ana@example.com")).enter(an_account())
    assert "ana@example.com" == open_roles.called("AssumeRole")[0]["SourceIdentity"]


def test_tags_are_passed_only_when_asked_for(open_roles: AwsStub, access: MAKE_DOOR):
    access(AccountEntrySettings(session_tags={"team": "identity", "cost": "42"})).enter(an_account())
    access().enter(an_account())
    tagged, plain = open_roles.called("AssumeRole")
    assert [{"Key": "cost", "Value": "42"}, {"Key": "team", "Value": "identity"}] == tagged["Tags"]
    assert "Tags" not in plain


# --- Two hops ---

HOP = "arn:aws:iam::222233334444:role/Hub"


def test_a_role_in_the_middle_is_taken_once_for_all_accounts(stub: AwsStub, access: MAKE_DOOR):
    World(stub)

    def assume(call: Call) -> Mapping[str, Any]:
        arn = call.params["RoleArn"]
        return session_of(arn, key_id="ASIAHUB000000000" if arn == HOP else "ASIAMEMBER000000")

    stub.on("AssumeRole", assume)
    entrance = access(AccountEntrySettings(hop_role=HOP))
    for account_id in (ACCOUNT, "333344445555"):
        entrance.enter(an_account(account_id)).read()
    taken = [call for call in stub.calls if call.operation == "AssumeRole"]
    assert [HOP, ACCOUNT, "333344445555"] == [
        arn if arn == HOP else arn.split(":")[4] for arn in (call.params["RoleArn"] for call in taken)
    ]
    assert ["testing", "ASIAHUB000000000", "ASIAHUB000000000"] == [call.key_id for call in taken]
    assert {"ASIAMEMBER000000"} == {call.key_id for call in stub.calls if call.service == "iam"}
    assert ["sts:AssumeRole"] == json.loads(taken[0].params["Policy"])["Statement"][0]["Action"]


def test_the_role_in_the_middle_may_assume_the_roles_that_are_named_and_no_others(
    open_roles: AwsStub, access: MAKE_DOOR
):
    entrance = access(
        AccountEntrySettings(
            hop_role=HOP, roles=("Audit", "teams/Fix"), overrides={"333344445555": RoleChoice(("Odd",))}
        )
    )
    for account_id in (ACCOUNT, "333344445555", "444455556666"):
        entrance.enter(an_account(account_id))
    hops = [params for params in open_roles.called("AssumeRole") if params["RoleArn"] == HOP]
    assert [["arn:aws:iam::*:role/Audit", "arn:aws:iam::*:role/teams/Fix"], ["arn:aws:iam::*:role/Odd"]] == [
        json.loads(hop["Policy"])["Statement"][0]["Resource"] for hop in hops
    ]


def test_a_source_identity_is_set_at_the_first_hop_and_tags_at_the_last(
    open_roles: AwsStub, access: MAKE_DOOR
):
    """AWS carries the identity on by itself, and refuses to have it set again."""
    entry_settings = AccountEntrySettings(
        hop_role=HOP,
        external_id="members",
        hop_external_id="hub",
        source_identity="ana@example.com",
        session_tags={"team": "identity"},
    )
    access(entry_settings).enter(an_account())
    first, last = open_roles.called("AssumeRole")
    assert ("ana@example.com", "hub") == (first["SourceIdentity"], first["ExternalId"])
    assert "members" == last["ExternalId"]
    assert "Tags" not in first
    assert "SourceIdentity" not in last
    assert [{"Key": "team", "Value": "identity"}] == last["Tags"]
    (statement,) = json.loads(first["Policy"])["Statement"]
    assert ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"] == statement["Action"]


def test_a_role_in_the_middle_that_cannot_be_taken_is_named_and_not_the_accounts(
    stub: AwsStub, access: MAKE_DOOR
):
    stub.on("AssumeRole", Fail("AccessDenied", 403))
    with pytest.raises(CannotEnter, match=f"access.hop_role {HOP} cannot be assumed: AssumeRole") as refused:
        access(AccountEntrySettings(hop_role=HOP)).enter(an_account())
    assert f"trust policy of {HOP}" in refused.value.cure
    assert () == refused.value.denials
    assert {HOP} == {params["RoleArn"] for params in stub.called("AssumeRole")}


def test_a_role_in_the_middle_that_a_policy_denies_is_denied_by_that_policy(stub: AwsStub, access: MAKE_DOOR):
    said = f"User: arn is not authorized to perform: sts:AssumeRole on {HOP} with an explicit deny in a service control"
    stub.on("AssumeRole", Fail("AccessDenied", 403, f"{said} policy"))
    with pytest.raises(CannotEnter) as refused:
        access(AccountEntrySettings(hop_role=HOP)).enter(an_account())
    assert (Denial(DeniedBy.SCP, "sts:AssumeRole"),) == refused.value.denials


# --- Sessions that grow old ---


def test_a_session_is_taken_anew_before_it_ends(open_roles: AwsStub, access: MAKE_DOOR, fake_time: FakeTime):
    opened = access().enter(an_account())
    fake_time.at += 3299
    opened.read()
    assert 1 == open_roles.counts()["AssumeRole"]
    fake_time.at += 2
    opened.read()
    assert 2 == open_roles.counts()["AssumeRole"]


def test_a_session_that_aws_calls_expired_is_taken_anew_and_the_call_repeated(
    open_roles: AwsStub, access: MAKE_DOOR
):
    opened = access(writing=True).enter(an_account())
    open_roles.on("AddUserToGroup", Fail("ExpiredToken", 403), {})
    receipt = opened.make(AddMember(ACCOUNT, "ForceMFA", UserRef(ACCOUNT, "ana", "AIDA", "arn")))
    assert 2 == receipt.attempts == open_roles.counts()["AssumeRole"]


def test_threads_of_one_account_share_one_session(
    open_roles: AwsStub, access: MAKE_DOOR, fake_time: FakeTime
):
    opened = access().enter(an_account())
    fake_time.at += 3400
    together = threading.Barrier(6)

    def ask() -> None:
        together.wait()
        opened.members("ForceMFA")

    open_roles.on("GetGroup", Fail("NoSuchEntity", 404))
    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 == open_roles.counts()["AssumeRole"]


def test_accounts_read_side_by_side_keep_their_sessions_apart(stub: AwsStub, access: MAKE_DOOR):
    World(stub, [Person("ana")])
    stub.on(
        "AssumeRole",
        lambda call: session_of(call.params["RoleArn"], "ASIA" + call.params["RoleArn"].split(":")[4]),
    )
    stub.on("GetGroup", Fail("NoSuchEntity", 404))
    entrance = access()
    accounts = [an_account(f"{number:012d}") for number in range(1, 9)]

    def work(account: Account) -> None:
        opened = entrance.enter(account)
        for _ in range(3):
            opened.members(f"group-{account.id}")

    threads = [threading.Thread(target=work, args=(account,)) for account in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = {(call.key_id, call.params["GroupName"]) for call in stub.calls if call.operation == "GetGroup"}
    assert {(f"ASIA{one.id}", f"group-{one.id}") for one in accounts} == asked


def test_an_account_that_throttled_is_entered_again_at_its_slower_pace(
    open_roles: AwsStub, access: MAKE_DOOR
):
    entrance = access()
    open_roles.on("GetGroup", Fail("Throttling", 400), Fail("NoSuchEntity", 404))
    first = entrance.enter(an_account())
    first.members("ForceMFA")
    again = entrance.enter(an_account())
    assert first._calls.pace is again._calls.pace
    assert entrance.enter(an_account("222233334444"))._calls.pace is not again._calls.pace


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("rollout", "rollout"),
        ("a b/c:d", "a-b-c-d"),
        ("é" * 3, "---"),
        ("x" * 99, "x" * 64),
        ("", "rollout"),
        ("x", "rollout"),
    ],
)
def test_session_names_are_made_fit(name: str, clean: str):
    assert clean == sanitised(name)
