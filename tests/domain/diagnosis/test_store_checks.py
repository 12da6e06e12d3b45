"""What the doctor says of the store: what is unknown is never fine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.diagnosis.check import CheckSection, CheckState
from rollout.domain.diagnosis.diagnose import diagnose
from rollout.domain.diagnosis.facts import DoctorFacts, EnvironmentFacts, NoAnswer, Region
from rollout.domain.diagnosis.store_checks import policy_writers
from rollout.domain.diagnosis.store_facts import (
    BucketFacts,
    FolderFacts,
    KeyFacts,
    ObjectLock,
    RecordFacts,
    StoreFacts,
)
from tests.builders import a_caller

OWNER, OTHER = "999988887777", "111122223333"
DENIED = NoAnswer("GetBucketVersioning: AccessDenied", "allow it")
GOOD = BucketFacts(
    OWNER,
    owned=True,
    versioning="Enabled",
    lock=ObjectLock("GOVERNANCE", "400 days"),
    open_blocks=(),
    encryption="AES256",
    public=False,
    policy=None,
)
BUCKET = StoreFacts("s3://bucket/team", RecordFacts(7), GOOD, KeyFacts("alias/rollout"))
OK, WARNING, FAILURE = CheckState.OK, CheckState.WARNING, CheckState.FAILURE


def told(store: StoreFacts) -> dict[str, tuple[CheckState, str]]:
    diagnosis = diagnose(DoctorFacts(a_caller(), EnvironmentFacts(Region("eu-west-1"))), store)
    return {check.name: (check.state, check.text) for check in diagnosis.of(CheckSection.STORE)}


def test_a_store_that_is_well_kept_has_nothing_but_good_answers():
    found = told(BUCKET)
    assert {OK} == {state for state, _ in found.values()}
    assert ["store key", "record", "bucket owner", "versioning", "Object Lock", "public access"] == list(
        found
    )[:6]
    assert (OK, "7 runs, whole, and sealed") == found["record"]
    assert (OK, "governance, 400 days") == found["Object Lock"]


@pytest.mark.parametrize(
    ("change", "name", "state", "text"),
    [
        ({"owned": DENIED}, "bucket owner", WARNING, "unknown: "),
        ({"owned": False}, "bucket owner", FAILURE, f"does not belong to account {OWNER}"),
        ({"versioning": ""}, "versioning", WARNING, "off: what is overwritten or deleted is gone"),
        ({"versioning": "Suspended"}, "versioning", WARNING, "suspended"),
        ({"versioning": DENIED}, "versioning", WARNING, "unknown: GetBucketVersioning: AccessDenied"),
        ({"lock": None}, "Object Lock", WARNING, "off: "),
        ({"lock": ObjectLock()}, "Object Lock", WARNING, "on, without a default retention"),
        ({"lock": DENIED}, "Object Lock", WARNING, "unknown: "),
        (
            {"open_blocks": ("BlockPublicPolicy",)},
            "public access",
            WARNING,
            "by the bucket: BlockPublicPolicy",
        ),
        ({"open_blocks": DENIED}, "public access", WARNING, "unknown: "),
        ({"encryption": ""}, "encryption", WARNING, "no default encryption"),
        ({"encryption": DENIED}, "encryption", WARNING, "unknown: "),
        ({"policy": DENIED}, "who may write", WARNING, "unknown: "),
    ],
)
def test_what_is_not_well_and_what_is_unknown_is_told(
    change: dict[str, Any], name: str, state: CheckState, text: str
):
    found = told(replace(BUCKET, protection=replace(GOOD, **change)))
    assert state == found[name][0]
    assert text in found[name][1]


def test_a_public_bucket_fails():
    store = replace(BUCKET, protection=replace(GOOD, public=True))
    diagnosis = diagnose(DoctorFacts(a_caller(), EnvironmentFacts(Region("eu-west-1"))), store)
    assert ["the bucket is public"] == [one.text for one in diagnosis.checks if one.state is FAILURE]


def test_a_bucket_of_somebody_else_is_asked_no_more():
    assert ["store key", "record", "bucket owner"] == list(
        told(replace(BUCKET, protection=replace(GOOD, owned=False)))
    )


@pytest.mark.parametrize(
    ("key", "protection", "state"),
    [
        (None, GOOD, WARNING),
        (None, FolderFacts(), OK),
        (KeyFacts("alias/x", NoAnswer("cannot be used", "enable it")), GOOD, FAILURE),
        (KeyFacts("file:/k"), FolderFacts(), OK),
    ],
)
def test_a_key_is_asked_of_a_bucket_and_has_to_work(key: KeyFacts | None, protection: Any, state: CheckState):
    assert state == told(replace(BUCKET, key=key, protection=protection))["store key"][0]


def test_every_doubt_is_a_failure_of_its_own_and_tampering_is_told_apart():
    doubts = (NoAnswer("x, line 3 is damaged", "restore it"), NoAnswer("y is not sealed", "move it"))
    store = replace(BUCKET, record=RecordFacts(7, doubts, altered=True))
    diagnosis = diagnose(DoctorFacts(a_caller(), EnvironmentFacts(Region("eu-west-1"))), store)
    failed = [one for one in diagnosis.of(CheckSection.STORE) if one.state is FAILURE]
    assert [("x, line 3 is damaged", ("restore it",)), ("y is not sealed", ("move it",))] == [
        (one.text, one.cures) for one in failed
    ]
    assert diagnosis.altered
    unread = told(replace(BUCKET, record=NoAnswer("NoSuchBucket", "create it")))["record"]
    assert (FAILURE, "cannot be read: NoSuchBucket") == unread


def test_a_folder_that_others_may_write_to_is_told():
    assert (OK, "only you may write there") == told(replace(BUCKET, protection=FolderFacts()))["folder"]
    found = told(replace(BUCKET, protection=FolderFacts("/srv/store/journal")))
    assert (WARNING, "other users of this machine may write to /srv/store/journal") == found["folder"]


# --- Who may write ---

ROLE = f"arn:aws:iam::{OTHER}:role/ci"
PUT = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}


@pytest.mark.parametrize(
    ("statement", "principals"),
    [
        ({**PUT, "Principal": {"AWS": ROLE}}, (ROLE,)),
        ({**PUT, "Principal": {"AWS": [ROLE, f"arn:aws:iam::{OWNER}:root"]}}, (ROLE,)),
        ({**PUT, "Principal": {"AWS": OWNER}}, ()),
        ({**PUT, "Principal": {"AWS": OTHER}}, (OTHER,)),
        ({**PUT, "Principal": {"Service": "logs.amazonaws.com"}}, ("Service: logs.amazonaws.com",)),
        ({**PUT, "Principal": "*"}, ("*",)),
        ({**PUT, "NotPrincipal": {"AWS": ROLE}}, ("*",)),
        ({**PUT, "Principal": "*", "Action": ["s3:Get*", "S3:*"]}, ("*",)),
        ({**PUT, "Principal": "*", "Action": "s3:GetObject"}, ()),
        ({"Effect": "Allow", "Principal": "*", "NotAction": "s3:GetObject", "Resource": "*"}, ("*",)),
        ({**PUT, "Principal": "*", "Effect": "Deny"}, ()),
    ],
)
def test_writers_are_those_whom_a_statement_allows_from_outside(
    statement: dict[str, Any], principals: tuple[str, ...]
):
    assert principals == policy_writers({"Statement": [statement]}, OWNER).principals
    assert principals == policy_writers({"Statement": statement}, OWNER).principals


def test_everybody_fails_and_everybody_under_a_condition_is_told_as_such():
    anybody: dict[str, Any] = {"Statement": [{**PUT, "Principal": "*"}]}
    assert FAILURE is told(replace(BUCKET, protection=replace(GOOD, policy=anybody)))["who may write"][0]
    anybody["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    state, text = told(replace(BUCKET, protection=replace(GOOD, policy=anybody)))["who may write"]
    assert (WARNING, True) == (state, text.endswith("*, some under conditions"))
