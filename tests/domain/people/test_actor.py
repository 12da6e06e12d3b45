"""Who made a call: a user by UserId, a session by role and name, and the patterns that mean them."""

from __future__ import annotations

import pytest

from rollout.domain.people.actor import Actor

ACCOUNT = "111122223333"
CISO = Actor(f"arn:aws:iam::{ACCOUNT}:user/team/ciso", "AIDACISO")
ALICE = Actor(
    f"arn:aws:sts::{ACCOUNT}:assumed-role/Approvers/alice@example.com", "AROAAPPROVERS:alice@example.com"
)
BOB = Actor(f"arn:aws:sts::{ACCOUNT}:assumed-role/Approvers/bob@example.com", "AROAAPPROVERS:bob@example.com")


@pytest.mark.parametrize(
    ("actor", "glob", "matches"),
    [
        (CISO, f"arn:aws:iam::{ACCOUNT}:user/team/ciso", True),
        (CISO, f"arn:aws:iam::{ACCOUNT}:user/*", True),
        (CISO, f"arn:aws:iam::{ACCOUNT}:user/ciso", False),
        (CISO, "arn:aws:iam::444455556666:user/team/ciso", False),
        (CISO, f"arn:aws:iam::{ACCOUNT}:USER/team/ciso", False),
        (ALICE, f"arn:aws:iam::{ACCOUNT}:role/Approvers", True),
        (ALICE, f"arn:aws:iam::{ACCOUNT}:role/Appr*", True),
        (ALICE, f"arn:aws:iam::{ACCOUNT}:role/Admins", False),
        (ALICE, "arn:aws:iam::444455556666:role/Approvers", False),
        (ALICE, f"arn:aws:sts::{ACCOUNT}:assumed-role/Approvers/alice@example.com", True),
        (ALICE, f"arn:aws:sts::{ACCOUNT}:assumed-role/Approvers/*", True),
        (BOB, f"arn:aws:sts::{ACCOUNT}:assumed-role/Approvers/alice@example.com", False),
        (CISO, f"arn:aws:iam::{ACCOUNT}:role/*", False),
    ],
)
def test_a_session_is_meant_by_its_role_or_by_its_name(actor: Actor, glob: str, matches: bool):
    assert matches == actor.is_one_of([glob])
    assert not actor.is_one_of([])


def test_the_role_of_a_session_has_no_path():
    assert f"arn:aws:iam::{ACCOUNT}:role/Approvers" == ALICE.role_arn
    assert "" == CISO.role_arn
    assert "" == Actor(f"arn:aws:sts::{ACCOUNT}:federated-user/alice").role_arn
    china = Actor(f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/Approvers/li")
    assert f"arn:aws-cn:iam::{ACCOUNT}:role/Approvers" == china.role_arn


def test_two_sessions_of_a_role_are_two_people_and_one_name_is_one():
    assert not ALICE.is_same(BOB)
    assert ALICE.is_same(Actor(ALICE.arn, "AROAMADEANEW:alice@example.com"))


def test_a_user_stays_the_same_under_a_new_name():
    assert CISO.is_same(Actor(f"arn:aws:iam::{ACCOUNT}:user/cso", "AIDACISO"))
    assert not CISO.is_same(Actor(f"arn:aws:iam::{ACCOUNT}:user/cso", "AIDAOTHER"))


def test_without_userids_only_the_arn_tells():
    assert Actor(CISO.arn).is_same(CISO)
    assert not Actor("arn:a").is_same(Actor("arn:b"))
