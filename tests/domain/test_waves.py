"""Who goes together: every user is in exactly one wave, and stays where the hash of the UserId puts them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.users import User
from rollout.domain.waves import Wave, position, wave_of
from tests.builders import a_user, an_account

PROD = an_account(ou="Workloads/Prod", tags={"tier": "gold"})
DEV = an_account("222233334444", "sandbox-1", ou="Workloads/Dev")


def takes(wave: Wave, user: User | None = None, account=PROD) -> bool:
    return wave.takes(user or a_user(), account)


def test_a_wave_without_selectors_takes_everybody():
    assert takes(Wave("rest"))


def test_every_selector_that_is_given_has_to_match():
    wave = Wave("one", ous=("Workloads/Prod",), users=("*/alice",))
    assert takes(wave)
    assert not takes(wave, account=DEV)
    assert not takes(wave, a_user("bob"))


def test_ous_match_the_ou_and_all_below():
    assert takes(Wave("one", ous=("Workloads",)))
    assert takes(Wave("one", ous=("Workloads/D*",)), account=DEV)
    assert not takes(Wave("one", ous=("Work",)))


def test_accounts_match_by_id_and_by_name():
    assert takes(Wave("one", accounts=("sandbox-*",)), account=DEV)
    assert takes(Wave("one", accounts=(DEV.id,)), account=DEV)
    assert not takes(Wave("one", accounts=("sandbox-*",)))


def test_account_tags_match_exactly_any_of_them():
    assert takes(Wave("one", account_tags=("tier=gold",)))
    assert takes(Wave("one", account_tags=("tier=lead", "tier=gold")))
    assert not takes(Wave("one", account_tags=("tier=gol",)))
    assert not takes(Wave("one", account_tags=("Tier=gold",)))  # keys of account tags have a case
    assert not takes(Wave("one", account_tags=("tier=gold",)), account=DEV)


def test_user_tags_match_by_a_key_without_case():
    tagged = a_user(tags={"Team": "billing"})
    assert takes(Wave("one", user_tags=("team=billing",)), tagged)
    assert not takes(Wave("one", user_tags=("team=Billing",)), tagged)
    assert not takes(Wave("one", user_tags=("team=billing",)))


def test_users_match_by_arn_name_and_id():
    user = a_user("alice", path="/team/")
    for glob in ("alice", "arn:aws:iam::*:user/team/*", user.id):
        assert takes(Wave("one", users=(glob,)), user)
    assert not takes(Wave("one", users=("lice",)), user)


def test_a_share_is_taken_of_those_whom_the_other_selectors_match():
    users = [a_user(f"user-{number}", tags={"team": "billing"}) for number in range(400)]
    wave = Wave("one", percent=25, user_tags=("team=billing",))
    taken = [user for user in users if takes(wave, user)]
    assert 60 < len(taken) < 140
    assert not any(takes(wave, a_user(user.name)) for user in taken)


def test_the_share_follows_from_the_user_id_alone():
    wave = Wave("one", percent=30)
    for number in range(50):
        user = a_user(f"user-{number}")
        assert takes(wave, user) == takes(wave, a_user(user.name, id=user.id, mfa=None, keys=2), DEV)
        assert takes(wave, user) == (position(user.id) < 30)


def test_whom_no_wave_takes_is_in_none():
    assert wave_of(a_user(), PROD, (Wave("dev", ous=("Workloads/Dev",)),)) is None


shares = st.none() | st.floats(0.5, 100)
selectors: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "percent": shares,
        "ous": st.sampled_from([("Workloads/Prod",), ("Workloads/*",), ("Elsewhere",)]),
        "accounts": st.sampled_from([("*",), ("sandbox-*",)]),
        "account_tags": st.sampled_from([("tier=gold",), ("tier=lead",)]),
        "user_tags": st.sampled_from([("team=billing",), ("team=web", "team=billing")]),
        "users": st.sampled_from([("user-1*",), ("*",)]),
    },
)
waves = st.lists(selectors, max_size=5).map(
    lambda lines: (*(Wave(f"w{number}", **line) for number, line in enumerate(lines)), Wave("rest"))
)
users = st.builds(
    lambda number, team: a_user(f"user-{number}", tags={"team": team} if team else {}),
    st.integers(0, 10_000),
    st.sampled_from(["billing", "web", ""]),
)
accounts = st.sampled_from([PROD, DEV])


@given(waves, users, accounts)
def test_everybody_is_in_exactly_one_wave_the_first_that_takes_them(lines, user, account):
    found = wave_of(user, account, lines)
    assert found is not None
    place = lines.index(found)
    assert found.takes(user, account)
    assert not any(wave.takes(user, account) for wave in lines[:place])


@given(waves, users, accounts, st.lists(users, max_size=4))
def test_nobody_moves_when_others_come_or_go(lines, user, account, others):
    alone = wave_of(user, account, lines)
    for other in others:
        wave_of(other, account, lines)
    assert alone == wave_of(user, account, lines)


@given(users, accounts, st.floats(0.5, 100), st.floats(0.5, 100))
def test_a_larger_share_only_adds(user, account, one, other):
    small, large = sorted((one, other))
    if Wave("one", percent=small).takes(user, account):
        assert Wave("one", percent=large).takes(user, account)


@given(users, accounts, st.floats(0.5, 100), st.floats(0.5, 100))
def test_a_larger_first_wave_moves_people_forward_and_nobody_back(user, account, one, other):
    small, large = sorted((one, other))
    before = wave_of(user, account, (Wave("first", percent=small), Wave("rest")))
    after = wave_of(user, account, (Wave("first", percent=large), Wave("rest")))
    assert before is not None
    assert after is not None
    assert (before.name, after.name) != ("first", "rest")
