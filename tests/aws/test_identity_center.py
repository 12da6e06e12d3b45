"""People of IAM Identity Center, as its identity store has them."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.aws.connect.identity_center import FOUND_BY, IdentityCenter
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.addresses import Addressee, ListedPerson
from rollout.errors import AwsFailure
from tests.aws.stub import AwsStub, Call, Fail

OWNER, STORE = "111122223333", "d-1234567890"
ALICE = {
    "UserName": "alice",
    "UserStatus": "ENABLED",
    "Emails": [{"Value": "private@example.com"}, {"Value": "alice@example.com", "Primary": True}],
    "Locale": "de_DE",
    "Timezone": "Europe/Berlin",
}
OTHERS = [
    {"UserName": "bob", "Emails": [{"Value": "bob@example.com"}], "PreferredLanguage": "en-us"},
    {"UserName": "left", "UserStatus": "DISABLED", "Emails": [{"Value": "left@example.com"}]},
    {"UserName": "mute", "Emails": []},
]


@pytest.fixture
def center(stub: AwsStub, connection: Connection, retries: Retries) -> IdentityCenter:
    """Identity Center, with two pages of people; the first instance is of one account alone."""
    of_account = {"OwnerAccountId": "222233334444", "IdentityStoreId": "d-other"}
    stub.on("ListInstances", {"Instances": [of_account, {"OwnerAccountId": OWNER, "IdentityStoreId": STORE}]})

    def users(call: Call) -> dict[str, Any]:
        assert STORE == call.params["IdentityStoreId"]
        return {"Users": OTHERS} if call.params.get("NextToken") else {"Users": [ALICE], "NextToken": "more"}

    stub.on("ListUsers", users)
    return IdentityCenter(connection, retries, "eu-central-1", OWNER)


def test_everybody_who_can_be_reached_is_listed_by_user_name(center: IdentityCenter, stub: AwsStub):
    alice = Addressee("alice@example.com", FOUND_BY, language="de_DE", zone="Europe/Berlin")
    bob = Addressee("bob@example.com", FOUND_BY, language="en-us")
    assert [ListedPerson("alice", alice), ListedPerson("bob", bob)] == [*center.people()]
    assert {"eu-central-1"} == {call.region for call in stub.calls}
    assert {"ListInstances": 1, "ListUsers": 2} == stub.counts()


@pytest.mark.parametrize(
    ("operation", "answer", "said"),
    [
        ("ListInstances", {"Instances": []}, "the organization has no Identity Center in eu-central-1"),
        ("ListInstances", Fail("AccessDeniedException"), "Identity Center cannot be read in eu-central-1"),
        ("ListUsers", Fail("AccessDeniedException"), "Identity Center cannot be read in eu-central-1"),
        ("ListUsers", Fail("ValidationException"), "ListUsers: ValidationException"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_cure(
    operation: str, answer: Any, said: str, center: IdentityCenter, stub: AwsStub
):
    stub.on(operation, answer)
    with pytest.raises(AwsFailure, match=said) as failed:
        list(center.people())
    assert failed.value.cure
