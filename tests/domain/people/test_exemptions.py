"""Exact, owned, and never for ever."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.exemptions import Exemption, UserMatch, exemption_for
from tests.builders import ACCOUNT, TODAY, a_user, an_exemption

ALICE = a_user(path="/team/", tags={"Team": "data", "Empty": "", "a=b": "c", "url": "x=y"})
ARN = f"arn:aws:iam::{ACCOUNT}:user/team/alice"


@pytest.mark.parametrize("text", [ARN, ALICE.id, "Team=data", "team=data", "TEAM=data", "Empty=", "url=x=y"])
def test_a_match_names_the_user(text: str):
    assert UserMatch(text).matches(ALICE)


@pytest.mark.parametrize(
    "text",
    [
        "alice",
        "Alice",
        "*",
        "",
        "=",
        ARN[:-1],
        ARN + "x",
        ARN.upper(),
        ARN.replace("team/", ""),
        ARN.replace(ACCOUNT, "999988887777"),
        f"arn:aws:iam::{ACCOUNT}:user/*",
        ALICE.id[:-1],
        ALICE.id.lower(),
        "Team",
        "Team=",
        "Team=dat",
        "Team=DATA",
        "Team=data ",
        "Other=data",
        "Absent=",
        "Empty",
        "=data",
    ],
)
def test_a_match_names_nobody_else(text: str):
    assert not UserMatch(text).matches(ALICE)


def test_an_arn_with_an_equals_sign_is_an_arn():
    odd = a_user("=cmd", tags={f"arn:aws:iam::{ACCOUNT}:user/": "cmd"})
    assert UserMatch(f"arn:aws:iam::{ACCOUNT}:user/=cmd").matches(odd)
    assert not UserMatch(f"arn:aws:iam::{ACCOUNT}:user/=cmd").matches(a_user(tags=odd.tags))


@given(st.text(min_size=1, max_size=30))
def test_no_part_of_an_arn_or_id_matches(text: str):
    if text not in (ARN, ALICE.id) and "=" not in text:
        assert not UserMatch(text).matches(ALICE)


@pytest.mark.parametrize(("days", "lives"), [(-400, False), (-1, False), (0, True), (1, True), (400, True)])
def test_an_exemption_covers_through_its_last_day_and_stops_the_day_after(days: int, lives: bool):
    assert lives == an_exemption(ARN, days=days).lives(TODAY)


def test_a_sentence_names_reason_owner_end_and_ticket():
    line = Exemption(UserMatch(ARN), "ops@example.com", "until the role ships", date(2027, 1, 31), "SEC-42")
    assert "until the role ships; owner ops@example.com, until 2027-01-31 UTC (SEC-42)" == line.sentence
    no_ticket = Exemption(line.match, line.owner, line.reason, line.expires)
    assert "until the role ships; owner ops@example.com, until 2027-01-31 UTC" == no_ticket.sentence


def test_the_one_that_lasts_longest_is_found():
    lines = (an_exemption(ARN, days=3), an_exemption("team=data", days=9), an_exemption(ALICE.id, days=5))
    assert lines[1] == exemption_for(ALICE, lines, TODAY)
    assert lines[2] == exemption_for(a_user(path="/team/"), lines, TODAY)


def test_nobody_is_exempt_by_what_is_over_or_about_others():
    lines = (an_exemption(ARN, days=-1), an_exemption("team=other"), an_exemption("alice"))
    assert None is exemption_for(ALICE, lines, TODAY)
    assert None is exemption_for(ALICE, (), TODAY)
    assert lines[0] == exemption_for(ALICE, lines, TODAY - timedelta(days=1))
