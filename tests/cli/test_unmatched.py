"""A selector that matches nobody is told by `plan` and `doctor`; where it protects people, it refuses the plan."""

from __future__ import annotations

import json

import pytest

from tests.cli.shell import Said, Shell

NOBODY = "arn:aws:iam::111122223333:user/break-glas-1"
UNREACHABLE = "arn:aws:iam::200030004000:user/anybody"
EXEMPT = {"owner": "o@example.com", "reason": "why", "expires": "2027-01-31"}


def env(**settings: object) -> dict[str, str]:
    return {f"ROLLOUT_{name}": json.dumps(value) for name, value in settings.items()}


# Most tests here take a second or more: what is told of a selector is told by a whole plan.
PROTECTING = {
    "rules.break_glass": env(RULES__BREAK_GLASS=[NOBODY]),
    "exemptions[0].user": env(EXEMPTIONS=[{"user": NOBODY, **EXEMPT}]),
    "scope.exclude.accounts": env(SCOPE__EXCLUDE__ACCOUNTS=["sandbx-*"]),
    "scope.exclude.ous": env(SCOPE__EXCLUDE__OUS=["Sandbx"]),
}
OTHERS = {
    "waves[0].ous": env(WAVES=[{"name": "first", "ous": ["Workloads/Dve"]}, {"name": "rest"}]),
    "waves[0].users": env(WAVES=[{"name": "first", "users": ["*/alcie"]}, {"name": "rest"}]),
    "rules.enforce_machines": env(RULES__ENFORCE_MACHINES=[NOBODY]),
    "rules.machines.tags": env(RULES__MACHINES__TAGS=["kind=robt"]),
}


def codes(said: Said) -> dict[str, str]:
    return {one["text"].partition(": ")[0]: one["code"] for one in said.json["findings"]}


@pytest.mark.parametrize("key", PROTECTING)
def test_a_line_that_protects_nobody_refuses_the_plan(key: str, bare: Shell):
    said = bare("plan", env=PROTECTING[key])
    assert 5 == said.code
    assert f"{key}: " in said.errors[0]
    assert "--accept-unmatched" in said.errors[1]
    assert not (bare.folder / "plans").exists()


def test_the_operator_may_accept_it_and_it_stays_a_finding(bare: Shell):
    said = bare("plan", "--accept-unmatched", "--json", env=PROTECTING["rules.break_glass"])
    assert 4 == said.code, said.err
    assert "selector-unmatched" == codes(said)["rules.break_glass"]
    assert NOBODY in next((bare.folder / "plans").glob("*.yaml")).read_text()


@pytest.mark.parametrize("key", OTHERS)
def test_any_other_selector_that_matches_nobody_is_a_finding(key: str, bare: Shell):
    said = bare("plan", "--json", env=OTHERS[key])
    assert 4 == said.code, said.err
    # Whoever is not found by a name may be in the account that cannot be entered.
    wanted = (
        "selector-not-looked-for"
        if key in ("waves[0].users", "rules.machines.tags")
        else "selector-unmatched"
    )
    assert wanted == codes(said)[key]


def test_who_may_be_in_an_account_that_cannot_be_entered_refuses_nothing(bare: Shell):
    said = bare("plan", "--json", env=env(RULES__BREAK_GLASS=[UNREACHABLE]))
    assert 4 == said.code, said.err
    assert "selector-not-looked-for" == codes(said)["rules.break_glass"]


def test_the_embedded_organization_has_no_such_line(bare: Shell):
    said = bare("plan", "--json")
    assert not {"selector-unmatched", "selector-not-looked-for"} & set(codes(said).values())


def test_a_doctor_tells_it_before_any_plan(bare: Shell):
    said = bare("doctor", "--json", env=PROTECTING["rules.break_glass"] | OTHERS["waves[0].ous"])
    assert 1 == said.code
    states = {
        one["text"].partition(": ")[0]: one["state"]
        for one in said.json["checks"]
        if one["name"] == "selectors"
    }
    assert {"rules.break_glass": "failure", "waves[0].ous": "warning"} == states
