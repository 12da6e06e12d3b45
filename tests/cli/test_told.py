"""Nobody is enforced who has not heard of it: the person at the address of today, after whatever left them alone."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import ONE_ACCOUNT as ACCOUNT
from tests.cli.shell import Said, Shell, listening, writes
from tests.end_to_end.iam_state import Onlooker
from tests.interventions import at_call

NAME = "adam.kowalski"
WHO = f"arn:aws:iam::{ACCOUNT}:user/{NAME}"
DAY = timedelta(days=1)
DRIFT = 3
GATES = ("dry_run_done", "failure_tolerance")
Env = Mapping[str, str]
NO_EXEMPTIONS = {"ROLLOUT_EXEMPTIONS": "[]"}


def well(said: Said) -> Said:
    assert 0 == said.code, f"{said.out}\n{said.err}"
    return said


def plan(shell: Shell, env: Env = NO_EXEMPTIONS) -> None:
    well(shell("plan", "--account", ACCOUNT, env=env))


def apply(shell: Shell, stage: str, env: Env = NO_EXEMPTIONS) -> dict[str, int]:
    """How many users came to what. That a new plan is to be rehearsed, and a release a failure, is another story."""
    words = [word for gate in GATES for word in ("--override-gate", gate)]
    words += ["--reason", "told before", "--user", WHO, "--yes", "--json"]
    said = well(shell("apply", "--stage", stage, *words, env=env))
    counts: dict[str, int] = said.json["counts"]
    return counts


def worth(shell: Shell, env: Env = NO_EXEMPTIONS) -> tuple[str, str]:
    """What the newest notice is worth, and why, as `rollout notices` has it."""
    one: dict[str, Any] = shell("notices", "--user", WHO, "--json", env=env).json[-1]
    return one["state"], one["why"]


def waits_for(shell: Shell, env: Env = NO_EXEMPTIONS) -> str:
    """What the user waits for, as users.csv has it."""
    well(shell("report", env=env))
    newest = max((shell.folder / "reports").glob("*/users.csv"), key=lambda path: path.stat().st_mtime_ns)
    (row,) = (row for row in csv.DictReader(newest.read_text().splitlines()) if row["user_arn"] == WHO)
    return row["waits_for"]


def is_left(shell: Shell, env: Env = NO_EXEMPTIONS) -> bool:
    """Try to enforce, and tell whether nothing happened, for the notice does not count."""
    with listening() as heard:
        counts = apply(shell, "enforce", env)
    return ([], 1, 0) == (writes(heard), counts.get("notice", 0), counts.get("enforced", 0))


def is_told_anew_and_enforced_in_time(shell: Shell, sandbox: Sandbox) -> bool:
    """Tell whether the cure helps: a notice, a lead time, and then the policy."""
    plan(shell)
    told = apply(shell, "notify")
    sandbox.advance(13 * DAY)
    early = apply(shell, "enforce")
    sandbox.advance(2 * DAY)
    late = apply(shell, "enforce")
    return (1, 1, 1) == (told.get("told"), early.get("waiting"), late.get("enforced"))


# --- Somebody else has the user ---


def give_to(address: str, sandbox: Sandbox) -> None:
    iam = Onlooker(sandbox.environment()).iam(ACCOUNT)
    iam.tag_user(UserName=NAME, Tags=[{"Key": "email", "Value": address}])


def test_who_was_told_is_enforced_when_the_day_has_come(told: Shell, sandbox: Sandbox):
    sandbox.advance(14 * DAY)
    assert 1 == apply(told, "enforce")["enforced"]


def test_a_new_address_voids_the_notice(told: Shell, sandbox: Sandbox):
    give_to("eve@example.com", sandbox)
    sandbox.advance(14 * DAY)
    assert is_left(told)
    plan(told)
    state, why = worth(told)
    assert ("void", True) == (state, "adam.kowalski@example.com" in why), why
    assert why in waits_for(told)
    assert is_told_anew_and_enforced_in_time(told, sandbox)
    (mail,) = told.folder.glob("outbox/*eve@*.eml")
    assert "To: eve@example.com" in mail.read_text()


def test_who_was_told_at_the_new_address_counts_although_the_plan_has_the_former(
    told: Shell, sandbox: Sandbox
):
    give_to("eve@example.com", sandbox)
    assert 1 == apply(told, "notify")["told"]
    assert "counts" == worth(told)[0]


def test_the_same_address_in_other_letters_is_the_same(told: Shell, sandbox: Sandbox):
    give_to("Adam.Kowalski@Example.COM", sandbox)
    sandbox.advance(14 * DAY)
    assert 1 == apply(told, "enforce")["enforced"]


def test_nobody_comes_back_from_a_release_as_somebody_else(told: Shell, sandbox: Sandbox):
    sandbox.advance(14 * DAY)
    assert 1 == apply(told, "enforce")["enforced"]
    well(told("release", "--user", WHO, "--reason", "INC-7", "--yes"))
    give_to("eve@example.com", sandbox)
    sandbox.advance(DAY)
    with listening() as heard:
        said = told("release", "--user", WHO, "--end", "--yes", env=NO_EXEMPTIONS)
    assert [] == writes(heard), said.err
    assert "eve@example.com" in said.out + said.err
    assert is_left(told)
    assert is_told_anew_and_enforced_in_time(told, sandbox)


def test_an_address_that_changes_in_the_middle_of_a_run_is_seen_at_the_write(told: Shell, sandbox: Sandbox):
    sandbox.advance(14 * DAY)
    with at_call(sandbox, "GetUser", do=lambda: give_to("eve@example.com", sandbox)):
        counts = apply(told, "enforce")
    assert (1, 0) == (counts.get("notice", 0), counts.get("enforced", 0))


# --- Somebody was left alone in between ---


def exempt(until: str) -> Env:
    """An exemption of the user, as `rollout.yaml` would have it."""
    line = {"user": WHO, "owner": "ops@example.com", "reason": "travels", "expires": until}
    return {"ROLLOUT_EXEMPTIONS": json.dumps([line])}


LIVES, SHORT = exempt("2027-01-31"), exempt("2026-11-28")
LINES = {
    "ran out": (SHORT, SHORT),
    "deleted early": (LIVES, NO_EXEMPTIONS),
    "tidied away": (SHORT, NO_EXEMPTIONS),
}
"""What rollout.yaml has while the exemption lives, and what it has later."""


@pytest.mark.parametrize("line", LINES)
def test_who_was_exempt_in_a_plan_after_the_notice_gets_a_new_one(line: str, told: Shell, sandbox: Sandbox):
    lives, later = LINES[line]
    plan(told, lives)
    sandbox.advance(14 * DAY)
    plan(told, later)
    assert is_left(told, later)
    state, why = worth(told, later)
    assert ("void", "told before having been let out or exempt") == (state, why)
    assert why in waits_for(told, later)
    assert is_told_anew_and_enforced_in_time(told, sandbox)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("verify", "--account", ACCOUNT), "tidied away"),
        (("apply", "--stage", "dry-run"), "deleted early"),
        (("apply", "--stage", "notify", "--yes"), "tidied away"),
    ],
    ids=["verify", "dry-run", "notify"],
)
def test_whatever_has_seen_it(words: tuple[str, ...], line: str, told: Shell, sandbox: Sandbox):
    """The plan is from before the exemption, and goes on being the newest."""
    lives, later = LINES[line]
    assert told(*words, env=lives).code in (0, DRIFT)
    sandbox.advance(14 * DAY)
    assert is_left(told, later)
    assert "void" == worth(told, later)[0]


def test_an_exemption_that_nobody_saw_alive_is_seen_when_it_is_over(told: Shell, sandbox: Sandbox):
    sandbox.advance(14 * DAY)
    assert "void" == worth(told, SHORT)[0]
    plan(told, SHORT)
    assert is_left(told)


def test_a_notice_that_was_sent_while_the_exemption_lived_is_void_too(told: Shell, sandbox: Sandbox):
    """Somebody's rollout.yaml lacks the line, or has it no more."""
    plan(told, SHORT)
    sandbox.advance(DAY)
    plan(told)
    assert 1 == apply(told, "notify")["told"]
    sandbox.advance(15 * DAY)
    assert is_left(told, SHORT)
    assert is_left(told)


def test_a_notice_after_the_line_was_deleted_counts_long_before_the_day_it_was_to_end(
    told: Shell, sandbox: Sandbox
):
    plan(told, LIVES)
    sandbox.advance(DAY)
    assert is_told_anew_and_enforced_in_time(told, sandbox)


def test_who_was_an_emergency_user_gets_a_new_notice(told: Shell, sandbox: Sandbox):
    plan(told, {**NO_EXEMPTIONS, "ROLLOUT_RULES__BREAK_GLASS": json.dumps([WHO])})
    sandbox.advance(14 * DAY)
    plan(told)
    assert is_left(told)


def test_who_was_in_an_excluded_account_gets_a_new_notice(told: Shell, sandbox: Sandbox):
    excluded = {**NO_EXEMPTIONS, "ROLLOUT_SCOPE__EXCLUDE__ACCOUNTS": json.dumps([ACCOUNT])}
    assert 0 == told("plan", "--account", "111122223333", env=excluded).code
    sandbox.advance(14 * DAY)
    plan(told)
    assert is_left(told)
