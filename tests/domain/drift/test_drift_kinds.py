"""Every kind of drift is one row: terminal, JSON and docs say what stands there."""

from __future__ import annotations

import pytest

from rollout.domain.drift.drift_kinds import Drifted, DriftKind, Fix, drift, drift_of_user
from tests.builders import ACCOUNT, a_user
from tests.docs import drift as table_of_drift


@pytest.mark.parametrize("kind", Drifted)
def test_a_kind_of_drift_says_what_why_and_what_to_do(kind: Drifted):
    found = drift(kind, ACCOUNT, "arn:who", "a detail")
    assert (kind, ACCOUNT, "arn:who") == (found.kind, found.account_id, found.who)
    assert found.text
    assert found.cause
    assert found.cure
    assert "{" not in found.text + found.cause + found.cure


@pytest.mark.parametrize("kind", Drifted)
def test_a_kind_of_drift_has_its_line_in_the_docs(kind: Drifted):
    (line,) = (line for line in table_of_drift().splitlines() if line.startswith(f"| `{kind}` "))
    assert f"| {kind.meaning} | {kind.fix} |" in line


@pytest.mark.parametrize("kind", Drifted)
def test_what_fix_repairs_is_cured_by_fix_and_nothing_else_is(kind: Drifted):
    assert (kind.fix is not Fix.NO) == ("verify --fix" in kind.cure)


def test_the_cure_of_a_verdict_comes_before_the_kind_s_own():
    user = a_user()
    found = drift_of_user(Drifted.HELD_BUT_ENFORCED, user, "machine", "move it to a role")
    assert f'move it to a role; or rollout release --user {user.arn} --reason "…"' == found.cure
    assert "is enforced, but would be held today: machine" == found.text


def test_a_kind_is_found_by_its_name_and_is_text():
    assert Drifted.DEADLOCK is Drifted("deadlock")
    assert "deadlock" == f"{Drifted.DEADLOCK}"


def test_a_new_kind_of_drift_is_one_row():
    class More(DriftKind):
        RENAMED = "renamed", "has another name now", "is {detail} now", "renamed by hand", "plan again"

    assert "| `renamed` | has another name now | no | plan again |" in table_of_drift([*Drifted, *More])
    with pytest.raises(ValueError, match="lacks some of its texts"):

        class Bare(DriftKind):
            BARE = "bare"
