"""Exactly one wave each, the first that matches; shares are stable: nobody moves when others come or go."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.plan.waves import Wave, position, wave_of
from tests.builders import ACCOUNT, a_user, an_account, an_id

PROD = an_account(tags={"env": "prod", "Team": "pay"})
ALICE = a_user(path="/team/", tags={"Team": "data"})
REST = Wave("rest")

MATCHES = [
    ("no selectors: everybody", Wave("w"), True),
    ("the OU", Wave("w", ous=("Workloads/Prod",)), True),
    ("an OU above", Wave("w", ous=("Workloads",)), True),
    ("another OU", Wave("w", ous=("Workloads/Dev",)), False),
    ("one of several OUs", Wave("w", ous=("Workloads/Dev", "Workloads/Prod")), True),
    ("the account's id", Wave("w", accounts=(ACCOUNT,)), True),
    ("the account's name", Wave("w", accounts=("payments-*",)), True),
    ("another account", Wave("w", accounts=("dev-*",)), False),
    ("an account tag", Wave("w", account_tags=("env=prod",)), True),
    ("one of several account tags", Wave("w", account_tags=("env=dev", "Team=pay")), True),
    ("an account tag of another value", Wave("w", account_tags=("env=production",)), False),
    ("account tag keys are case-sensitive", Wave("w", account_tags=("team=pay",)), False),
    ("an account tag that is not there", Wave("w", account_tags=("cost=1",)), False),
    ("a user tag", Wave("w", user_tags=("Team=data",)), True),
    ("user tag keys are not case-sensitive", Wave("w", user_tags=("team=data",)), True),
    ("a user tag of another value", Wave("w", user_tags=("team=Data",)), False),
    ("the user's name", Wave("w", users=("al*",)), True),
    ("the user's ARN", Wave("w", users=("arn:*:user/team/*",)), True),
    ("the user's id", Wave("w", users=(ALICE.id,)), True),
    ("another user", Wave("w", users=("bob",)), False),
    ("every selector has to match", Wave("w", ous=("Workloads",), users=("bob",)), False),
    (
        "every selector does match",
        Wave("w", ous=("Workloads",), users=("al*",), account_tags=("env=prod",)),
        True,
    ),
    ("a share of nobody", Wave("w", percent=0), False),
    ("a share of everybody", Wave("w", percent=100), True),
    ("a share of those whom the others match", Wave("w", percent=100, users=("bob",)), False),
]


@pytest.mark.parametrize(("says", "wave", "takes"), MATCHES, ids=[row[0] for row in MATCHES])
def test_a_wave_takes(says: str, wave: Wave, takes: bool):
    assert takes == wave.takes(ALICE, PROD)


def test_tags_of_any_mapping_count():
    account = an_account(tags=MappingProxyType({"env": "prod"}))
    assert Wave("w", account_tags=("env=prod",)).takes(ALICE, account)


def test_the_first_wave_that_matches_takes_the_user():
    first, second = Wave("first", users=("al*",)), Wave("second", users=("alice",))
    assert first == wave_of(ALICE, PROD, (first, second, REST))
    assert second == wave_of(ALICE, PROD, (Wave("none", users=("bob",)), second, first))


def test_whom_no_wave_takes_has_none():
    assert None is wave_of(ALICE, PROD, ())
    assert None is wave_of(ALICE, PROD, (Wave("none", users=("bob",)),))


NAMES = st.integers(0, 10**6).map(lambda number: f"user-{number}")
PERCENTS = st.one_of(st.none(), st.floats(0, 100), st.integers(0, 100))
WAVES = st.lists(
    st.builds(
        Wave,
        name=NAMES,
        percent=PERCENTS,
        ous=st.sampled_from([(), (), ("Workloads",), ("Sandbox",)]),
        users=st.sampled_from([(), (), ("*1",), ("user-2*",)]),
    ),
    max_size=5,
).map(tuple)


@given(WAVES, st.lists(NAMES, max_size=20, unique=True))
def test_everybody_is_in_exactly_one_wave_and_the_last_takes_the_rest(
    waves: tuple[Wave, ...], names: list[str]
):
    for name in names:
        user = a_user(name)
        wave = wave_of(user, PROD, (*waves, REST))
        assert wave is not None
        earlier = waves[: waves.index(wave)] if wave is not REST else waves
        assert wave.takes(user, PROD)
        assert not any(other.takes(user, PROD) for other in earlier)


@given(WAVES, NAMES)
def test_a_user_s_wave_turns_on_nobody_else_and_on_nothing_that_happens_to_the_user(
    waves: tuple[Wave, ...], name: str
):
    before = a_user(name)
    after = a_user(name, mfa=None, keys=2, groups=("ForceMFA",), signed_in_days_ago=None)
    assert wave_of(before, PROD, waves) == wave_of(after, PROD, waves)


@given(NAMES, st.floats(0, 100), st.floats(0, 100))
def test_a_larger_share_only_adds(name: str, one: float, other: float):
    small, large = sorted((one, other))
    user = a_user(name)
    if Wave("w", percent=small).takes(user, PROD):
        assert Wave("w", percent=large).takes(user, PROD)


@given(st.text(max_size=30))
def test_everybody_has_a_place_on_the_line_for_good(user_id: str):
    assert 0 <= position(user_id) < 100
    assert position(user_id) == position(user_id)


def test_places_never_change_from_one_version_to_the_next():
    """A user who moved from one wave to another by an update of this tool would be enforced unannounced."""
    assert pytest.approx(64.74379, abs=1e-5) == position("AIDAEXAMPLE")


@pytest.mark.parametrize("percent", [1, 5, 20, 50, 90])
def test_a_share_is_about_as_large_as_it_says(percent: int):
    ids = [an_id("share", str(number)) for number in range(4000)]
    taken = sum(position(user_id) < percent for user_id in ids)
    assert abs(taken / len(ids) * 100 - percent) < 2.5


def test_shares_of_later_waves_are_of_the_same_line():
    """canary 5 % then early 25 % take a quarter together: whoever grows a share moves nobody back."""
    waves = (Wave("canary", percent=5), Wave("early", percent=25), REST)
    users = [a_user(f"user-{number}") for number in range(400)]
    named = [wave_of(user, PROD, waves) for user in users]
    together = {user.id for user, wave in zip(users, named, strict=True) if wave is not REST}
    assert {user.id for user in users if position(user.id) < 25} == together
