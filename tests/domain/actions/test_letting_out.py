"""Who is let out, for how long, by which word; and the one write that lets a whole account out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.aws.write import overlay
from rollout.domain.actions.letting_out import (
    Brake,
    account_release,
    brake_of,
    lasting,
    merged,
    pulling,
    say,
    user_release,
)
from rollout.domain.policy.changes import CreateVersion, DeleteVersion, SetDefaultVersion
from rollout.domain.policy.standing import denies_nothing
from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.domain.progress.release_scope import ReleaseScope
from tests.builders import ACCOUNT, NOW, OPERATOR, a_ref, account_facts
from tests.domain.judging import DOCUMENTS, EVERYTHING, OURS_ARN, SEED_DOCUMENTS, a_versioned

OTHER = "222233334444"
ALICE, BOB = a_ref("alice"), a_ref("bob")
LATER = NOW + timedelta(hours=5)
ALL = ReleaseScope(everybody=True)


def released(
    release_scope: ReleaseScope = ALL, hours: float | None = None, run: str = "run-1", at: datetime = NOW
) -> Released:
    until = None if hours is None else at + timedelta(hours=hours)
    return Released(run, at, release_scope, until, "INC-7", OPERATOR)


def ended(release_scope: ReleaseScope = ALL, run: str = "run-9") -> ReleaseEnded:
    return ReleaseEnded(run, NOW, release_scope, "all well", OPERATOR)


def of_alice(*words: Any, now: datetime = NOW) -> Released | None:
    return user_release(words, ACCOUNT, ALICE.id, "canary", now)


# --- Reach ---


@pytest.mark.parametrize(
    ("release_scope", "takes"),
    [
        (ALL, True),
        (ReleaseScope(accounts=(ACCOUNT,)), True),
        (ReleaseScope(accounts=(OTHER,)), False),
        (ReleaseScope(wave="canary"), True),
        (ReleaseScope(wave="rest"), False),
        (ReleaseScope(users=(BOB, ALICE)), True),
        (ReleaseScope(users=(BOB,)), False),
        (ReleaseScope(), False),
    ],
)
def test_a_release_takes_whom_it_names(release_scope, takes):
    assert takes is release_scope.takes(ACCOUNT, ALICE.id, "canary")


def test_a_user_without_a_wave_is_in_no_wave():
    assert not ReleaseScope().takes(ACCOUNT, ALICE.id, "")
    assert not ReleaseScope(wave="rest").takes(ACCOUNT, ALICE.id, "")


@pytest.mark.parametrize(
    ("release_scope", "words"),
    [
        (ALL, "everybody"),
        (ReleaseScope(accounts=(ACCOUNT,)), f"account {ACCOUNT}"),
        (ReleaseScope(accounts=(ACCOUNT, OTHER)), f"accounts {ACCOUNT}, {OTHER}"),
        (ReleaseScope(wave="canary"), 'wave "canary"'),
        (ReleaseScope(users=(ALICE,)), ALICE.arn),
        (
            ReleaseScope(users=tuple(a_ref(name) for name in "abcde")),
            ", ".join(a_ref(name).arn for name in "abc") + " and 2 more",
        ),
    ],
)
def test_a_reach_can_be_read(release_scope, words):
    assert words == release_scope.words


# --- Who is let out now ---


def test_without_a_word_nobody_is_let_out():
    assert of_alice() is None
    assert account_release((), ACCOUNT, NOW) is None


def test_a_release_lasts_until_it_is_ended():
    word = released()
    assert word == of_alice(word, now=NOW + timedelta(days=900))
    assert of_alice(word, ended()) is None


def test_a_release_with_an_end_runs_out_by_itself():
    word = released(hours=4)
    assert word == of_alice(word, now=NOW + timedelta(hours=4) - timedelta(seconds=1))
    assert of_alice(word, now=NOW + timedelta(hours=4)) is None


def test_a_short_release_inside_a_long_one_does_not_shorten_it():
    long, short = released(), released(ReleaseScope(users=(ALICE,)), hours=1, run="run-2")
    assert long == of_alice(long, short, now=LATER)


def test_an_end_for_a_user_does_not_end_the_release_of_the_account():
    """The brake is one for all: it cannot be let go for one user."""
    word = released(ReleaseScope(accounts=(ACCOUNT,)))
    assert word == of_alice(word, ended(ReleaseScope(users=(ALICE,))))


def test_an_end_for_an_account_ends_the_releases_of_its_users_and_no_others():
    words = (released(ReleaseScope(users=(ALICE,))), ended(ReleaseScope(accounts=(ACCOUNT,))))
    assert of_alice(*words) is None
    elsewhere = (released(ReleaseScope(users=(ALICE,))), ended(ReleaseScope(accounts=(OTHER,))))
    assert elsewhere[0] == of_alice(*elsewhere)


def test_an_end_does_not_reach_what_comes_after_it():
    again = released(run="run-3")
    assert again == of_alice(released(), ended(), again)


def test_the_release_of_a_wave_lets_nobody_else_out():
    word = released(ReleaseScope(wave="rest"))
    assert of_alice(word) is None
    assert word == user_release((word,), ACCOUNT, BOB.id, "rest", NOW)
    assert account_release((word,), ACCOUNT, NOW) is None


def test_lasting_releases_are_those_neither_over_nor_ended_as_a_whole():
    brake, wave, alice, short = (
        released(ReleaseScope(accounts=(ACCOUNT, OTHER)), run="a"),
        released(ReleaseScope(wave="rest"), run="b"),
        released(ReleaseScope(users=(ALICE,)), run="c"),
        released(hours=1, run="d"),
    )
    words = (brake, wave, alice, short)
    assert (brake, wave, alice) == lasting(words, LATER)
    assert (brake, wave) == lasting((*words, ended(ReleaseScope(users=(ALICE, BOB)))), LATER)
    assert (brake, wave) == lasting((*words, ended(ReleaseScope(accounts=(ACCOUNT,)))), LATER)
    assert (wave,) == lasting((*words, ended(ReleaseScope(accounts=(ACCOUNT, OTHER)))), LATER)
    assert () == lasting((*words, ended()), LATER)


def test_a_word_that_journal_and_marker_both_have_counts_once():
    first, second = released(run="a"), released(run="b")
    assert (first, second, ended(run="b")) == merged((first,), (first, second, ended(run="b")))


def test_a_release_says_who_why_and_how_long():
    said = f"everybody released until 2026-11-24 13:00 UTC by {OPERATOR}: INC-7"
    assert said == say(released(hours=4))
    assert "until it is ended" in say(released())


reaches = st.sampled_from(
    (
        ALL,
        ReleaseScope(accounts=(ACCOUNT,)),
        ReleaseScope(accounts=(OTHER,)),
        ReleaseScope(wave="canary"),
        ReleaseScope(users=(ALICE,)),
    )
)


@given(
    words=st.lists(
        st.builds(released, reaches, st.sampled_from((None, 1, 8)), st.uuids().map(str))
        | st.builds(ended, reaches, st.uuids().map(str)),
        max_size=8,
    )
)
def test_after_an_end_for_everybody_nobody_is_let_out_and_whoever_is_has_a_word_that_says_so(words):
    found = of_alice(*words, now=LATER)
    assert found is None or found.release_scope.takes(ACCOUNT, ALICE.id, "canary")
    assert of_alice(*words, ended(), now=LATER) is None


# --- The brake ---


def test_the_brake_is_pulled_when_the_version_in_force_denies_nothing():
    assert Brake.ABSENT is brake_of(None)
    assert Brake.OFF is brake_of(a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=2))
    assert Brake.PULLED is brake_of(a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=1))
    assert Brake.OFF is brake_of(a_versioned("ForceMFA", "%7B unreadable", default=1))


def test_pulling_is_one_write():
    policy = a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=2)
    assert (SetDefaultVersion(ACCOUNT, OURS_ARN, "v1"),) == pulling(ACCOUNT, policy, DOCUMENTS.brake)


def test_a_brake_that_is_pulled_is_left_so():
    policy = a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=1)
    assert () == pulling(ACCOUNT, policy, DOCUMENTS.brake)


def test_of_two_halves_the_newer_one_is_taken():
    documents = (SEED_DOCUMENTS.brake, SEED_DOCUMENTS.full, DOCUMENTS.brake, DOCUMENTS.full)
    policy = a_versioned("ForceMFA", *documents, default=4)
    assert (SetDefaultVersion(ACCOUNT, OURS_ARN, "v3"),) == pulling(ACCOUNT, policy, DOCUMENTS.brake)


def test_without_a_half_one_is_made():
    policy = a_versioned("ForceMFA", DOCUMENTS.full, default=1)
    assert (CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.brake),) == pulling(ACCOUNT, policy, DOCUMENTS.brake)


def test_without_a_half_and_without_room_the_oldest_other_version_goes():
    policy = a_versioned("ForceMFA", *[DOCUMENTS.full] * 5, default=1)
    made = pulling(ACCOUNT, policy, DOCUMENTS.brake)
    assert (DeleteVersion(ACCOUNT, OURS_ARN, "v2"), CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.brake)) == made


@given(
    documents=st.lists(
        st.sampled_from((DOCUMENTS.brake, DOCUMENTS.full, SEED_DOCUMENTS.full, EVERYTHING, "no document")),
        min_size=1,
        max_size=5,
    ),
    data=st.data(),
)
def test_whatever_stands_there_nobody_is_denied_afterwards(documents, data):
    default = data.draw(st.integers(1, len(documents)))
    policy = a_versioned("ForceMFA", *documents, default=default)
    facts = account_facts(policies=[policy])
    changes = pulling(ACCOUNT, policy, DOCUMENTS.brake)
    for change in changes:
        facts = overlay.after(facts, change)
    in_force = facts.policies[OURS_ARN].default
    assert in_force is not None
    assert denies_nothing(in_force.document)
    assert len(facts.policies[OURS_ARN].versions) <= 5
    assert len(changes) <= 1 or not any(map(denies_nothing, documents))
