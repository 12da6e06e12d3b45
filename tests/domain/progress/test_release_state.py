"""Who is let out, for how long, and by which release."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.release_state import (
    account_release,
    describe_release,
    lasting_releases,
    merged_releases,
    user_release,
)
from tests.builders import ACCOUNT, NOW, OPERATOR, a_ref

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
    assert (brake, wave, alice) == lasting_releases(words, LATER)
    assert (brake, wave) == lasting_releases((*words, ended(ReleaseScope(users=(ALICE, BOB)))), LATER)
    assert (brake, wave) == lasting_releases((*words, ended(ReleaseScope(accounts=(ACCOUNT,)))), LATER)
    assert (wave,) == lasting_releases((*words, ended(ReleaseScope(accounts=(ACCOUNT, OTHER)))), LATER)
    assert () == lasting_releases((*words, ended()), LATER)


def test_a_word_that_journal_and_marker_both_have_counts_once():
    first, second = released(run="a"), released(run="b")
    assert (first, second, ended(run="b")) == merged_releases((first,), (first, second, ended(run="b")))


def test_a_release_says_who_why_and_how_long():
    said = f"everybody released until 2026-11-24 13:00 UTC by {OPERATOR}: INC-7"
    assert said == describe_release(released(hours=4))
    assert "until it is ended" in describe_release(released())


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
