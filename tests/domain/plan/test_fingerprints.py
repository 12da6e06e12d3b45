"""Two short texts are equal when nothing that matters has changed, and differ when something has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.users import NamedPolicy, Password, ServiceCredential, User
from rollout.domain.plan.fingerprints import digest, fingerprint, policy_digest
from tests.builders import NOW, a_device, a_key, a_user, days_ago
from tests.domain.judging import DOCUMENTS, a_document, allow, deny, inline

ALICE = a_user(keys=1, tags={"a": "1", "b": "2"}, groups=("g", "h"), attached=("arn:x", "arn:y"))
PASSWORD = Password(days_ago(1), days_ago(200))

CHANGED: dict[str, User] = {
    "as she was": ALICE,
    "another id": replace(ALICE, id="AIDAANOTHER"),
    "another path": replace(ALICE, path="/team/"),
    "no password": replace(ALICE, password=None),
    "a password never used": replace(ALICE, password=replace(PASSWORD, last_used=None)),
    "a password set anew": replace(ALICE, password=replace(PASSWORD, last_changed=NOW)),
    "a password that expires": replace(ALICE, password=replace(PASSWORD, next_rotation=NOW)),
    "a password that must be changed": replace(ALICE, password=replace(PASSWORD, reset_required=True)),
    "a password that need not be changed": replace(ALICE, password=replace(PASSWORD, reset_required=False)),
    "another device": replace(ALICE, devices=(a_device("passkey"),)),
    "no device": replace(ALICE, devices=()),
    "a device of unknown kind": replace(ALICE, devices=None),
    "another key": replace(ALICE, keys=(*ALICE.keys, a_key(2))),
    "a key switched off": replace(ALICE, keys=(replace(ALICE.keys[0], active=False),)),
    "a key replaced": replace(ALICE, keys=(replace(ALICE.keys[0], created=NOW),)),
    "a service credential": replace(ALICE, service_credentials=(ServiceCredential("x", active=True),)),
    "a service credential switched off": replace(
        ALICE, service_credentials=(ServiceCredential("x", active=False),)
    ),
    "another group": replace(ALICE, groups=("g", "h", "i")),
    "another policy": replace(ALICE, attached=("arn:x",)),
    "an inline policy": replace(ALICE, inline=(inline("P", allow("s3:*")),)),
    "the inline policy changed": replace(ALICE, inline=(inline("P", deny("s3:*")),)),
    "the inline policy renamed": replace(ALICE, inline=(inline("Q", allow("s3:*")),)),
    "an inline policy that cannot be read": replace(ALICE, inline=(NamedPolicy("P", "{"),)),
    "a boundary": replace(ALICE, boundary_arn="arn:b"),
    "a tag": replace(ALICE, tags={"a": "1", "b": "3"}),
    "a fact that could not be read": a_user(
        keys=1, tags=ALICE.tags, groups=ALICE.groups, attached=ALICE.attached, unread=["tags"]
    ),
}


def test_whatever_matters_makes_another_fingerprint():
    for (one, before), (other, after) in combinations(CHANGED.items(), 2):
        assert fingerprint(before) != fingerprint(after), (one, other)


SAME: dict[str, User] = {
    "looked at later": replace(ALICE, facts_at=NOW, rights_at=NOW + timedelta(days=1)),
    "signed in since": replace(ALICE, password=replace(PASSWORD, last_used=NOW)),
    "used a key since": replace(ALICE, keys=(replace(ALICE.keys[0], last_used=NOW, service="ec2"),)),
    "groups in another order": replace(ALICE, groups=("h", "g")),
    "policies in another order": replace(ALICE, attached=("arn:y", "arn:x")),
    "tags in another order": replace(ALICE, tags={"b": "2", "a": "1"}),
}


@pytest.mark.parametrize("user", SAME.values(), ids=SAME)
def test_what_decides_nothing_alone_makes_none(user: User):
    assert fingerprint(ALICE) == fingerprint(user)


def test_a_policy_written_otherwise_is_the_same():
    shuffled = {**DOCUMENTS.full, "Statement": list(reversed(DOCUMENTS.full["Statement"]))}
    assert policy_digest(DOCUMENTS.full) == policy_digest(shuffled)
    assert policy_digest(DOCUMENTS.full) != policy_digest(DOCUMENTS.brake)
    one, other = (
        a_document(allow("s3:GetObject")),
        a_document({**allow("S3:getobject"), "Action": "S3:getobject"}),
    )
    assert policy_digest(one) == policy_digest(other)
    user = replace(ALICE, inline=(NamedPolicy("P", one),))
    assert fingerprint(user) == fingerprint(replace(ALICE, inline=(NamedPolicy("P", other),)))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(inner) for key, inner in reversed(value.items())}
    return [shuffled(inner) for inner in value] if isinstance(value, list) else value


@given(JSON, JSON)
def test_a_digest_is_that_of_the_value(one: Any, other: Any):
    assert digest(one) == digest(shuffled(one))
    assert digest(one).startswith("sha256:")
    assert 71 == len(digest(one))
    if digest(one) == digest(other):
        assert one == other


def test_a_digest_takes_times_and_odd_letters():
    assert digest({"at": datetime(2026, 11, 24, tzinfo=UTC)}) == digest({"at": "2026-11-24 00:00:00+00:00"})
    assert digest("é") != digest("e")


def test_a_digest_never_changes_from_one_version_to_the_next():
    """Plans that were reviewed are compared with what a later version of this tool digests."""
    assert "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" == digest({})
