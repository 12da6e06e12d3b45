"""`rollout show` and `rollout status`: why somebody was judged so, in words that an operator can act on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell, as_wide_as

ALL_THE_SAME = {"ROLLOUT_RULES__NO_CREDENTIALS": "enforce"}
PEOPLE = {
    "quinn.murphy": (
        "enforce",
        "no MFA device yet",
        "impact enrol",
        "forecast",
        "address",
        "quinn.murphy@example.com",
    ),
    "xavier.dubois": ("enforce", "keys-in-use", "impact cli", "key 1 used yesterday for s3"),
    "retired.clerk": ("hold", "no-credentials", "rules.no_credentials:"),
    "nadia.petrova": ("hold", "cannot-enrol", "permissions boundary", "cure", "not allowed"),
    "ci-deployer": ("hold", "machine", "cure", "rules.enforce_machines"),
    "break-glass-1": ("hold", "break-glass", "cure"),
    "lucia.romano": ("hold", "unknown", "undecided"),
    "greta.vogel": ("covered", "other-deny", "covered by", "denied"),
    "load-test": ("exempt", "exemption", "exempt until", "2027-02-22"),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_a_judgement_is_explained_with_its_facts_and_its_cure(name: str, planned: Shell):
    said = planned("show", "--user", name, "--evidence")
    assert (0, "") == (said.code, said.err)
    for word in PEOPLE[name]:
        assert word in said.out
    assert f":user/{name}" in said.out.replace("user/people/", "user/")


@pytest.mark.parametrize("name", [*PEOPLE, "ursula.vance", "adam.kowalski"])
def test_ten_lines_tell_the_verdict_and_what_was_not_looked_at(name: str, planned: Shell):
    with as_wide_as(120):
        said = planned("show", "--user", name)
    assert "--evidence" in said.err, "what to do next"
    for one in said.out.strip().split("\n\n"):
        lines = one.splitlines()
        assert len(lines) <= 10, one
        assert "not looked at" in one
        assert "sessions" in one
        assert max(map(len, lines)) <= 120


def test_the_evidence_names_each_door_its_source_and_its_time(planned: Shell):
    said = planned("show", "--account", "storefront-prod", "--user", "adam.kowalski", "--evidence").out
    looked, _, rest = said.partition("Not looked at")
    for door, source in (
        ("password", "credential report"),
        ("MFA devices", "ListVirtualMFADevices"),
        ("access keys", "credential report"),
        ("signing certificates", "credential report"),
        ("service-specific credentials", "ListServiceSpecificCredentials"),
        ("console sign-in", "GetConsoleAuthorizationConfiguration"),
        ("permissions", "GetAccountAuthorizationDetails"),
    ):
        (line,) = (line for line in looked.splitlines() if line.startswith(f"{door}  "))
        assert source in line
        assert "2026-11-24 09:00 UTC" in line
    for door in ("SSH keys for CodeCommit", "sessions", "resource policies"):
        assert f"\n{door} " in rest
    user = planned("show", "--account", "storefront-prod", "--user", "adam.kowalski", "--json").json
    (user,) = user["accounts"][0]["users"]
    assert {"name", "found", "source", "at"} == user["doors"][0].keys()
    assert "sessions" in {door["name"] for door in user["not_looked_at"]}


def test_evidence_is_about_somebody(planned: Shell):
    said = planned("show", "--evidence")
    assert (2, True) == (said.code, "--evidence needs --user" in said.err)


def test_what_evaluation_answered_is_shown_request_by_request(planned: Shell):
    said = planned("show", "--user", "quinn.murphy", "--evidence").out
    assert "Without MFA, under the present policies (covered = every request is explicitly denied)" in said
    assert "sts:GetSessionToken needs no Allow, only no explicit Deny" in said
    for request in ("s3:ListAllMyBuckets", "iam:CreateVirtualMFADevice", "iam:ResyncMFADevice"):
        assert request in said
    for word in ("ImplicitlyDenied", "ExplicitlyDenied", "Undecided"):
        assert word not in said, "words of the evaluator, for --json alone"
    requests = planned("show", "--user", "quinn.murphy", "--json").json["accounts"][0]["users"][0]["requests"]
    assert {"Allowed", "ImplicitlyDenied"} <= {row["decision"] for row in requests}


def test_all_is_shown_account_by_account_and_who_is_left_out(planned: Shell):
    said = planned("show").out
    assert "012345678901 storefront-prod (Workloads/Prod)" in said
    assert "777788889999 <script>alert(1)</script> (Sandbox)" in said, "a name is text, never markup"
    assert "111122223333 management (root)" in said
    for account in ("frozen-lab", "acquired-co", "old-crm"):
        assert account in said
    headers = {line for line in said.splitlines() if line.startswith("verdict  wave")}
    assert 1 == len({header.index("who") for header in headers}), (
        "the columns of all accounts stand below each other"
    )


def test_a_wave_and_globs_narrow_it(planned: Shell):
    accounts = planned("show", "--wave", "canary", "--json").json["accounts"]
    assert {"canary"} == {user["wave"] for account in accounts for user in account["users"]}
    accounts = planned("show", "--ou", "Workloads/Prod", "--json").json["accounts"]
    assert {"012345678901", "333344445555"} == {account["account"] for account in accounts}
    (account,) = planned("show", "--account", "payments-*", "--user", "greta.*", "--json").json["accounts"]
    assert ["covered"] == [user["verdict"] for user in account["users"]]


def test_names_that_look_like_options_or_formulas_can_be_asked_for(planned: Shell):
    for name in ("=cmd.lab", "+plus.one", "@at.sign", "-dash"):
        assert f":user/{name}" in planned("show", f"--user={name}").out


def test_status_says_what_each_wave_waits_for(rehearsed: Shell):
    waves = rehearsed("status").out.partition("To decide")[0]
    assert 3 == waves.count("notify")
    first = rehearsed("status", "--json").json[0]
    assert ("canary", "notify", None) == (first["wave"], first["next_step"], first["notified_at"])


def test_a_reviewer_is_told_who_is_at_risk_and_what_is_new_since_the_last_plan(
    planned: Shell, sandbox: Sandbox
):
    first = planned("show", "--markdown")
    assert (0, "") == (first.code, first.err)
    assert first.out.startswith("## Plan <code>")
    assert "### From" not in first.out

    sandbox.advance(timedelta(days=1))
    assert 4 == planned("plan", env=ALL_THE_SAME).code
    second = planned("show", "--markdown").out
    assert "| hold (no-credentials) | enforce none, wave rest |" in second


def test_plans_are_compared_by_who_moved_from_where_to_where(planned: Shell, sandbox: Sandbox):
    first = next((planned.folder / "plans").glob("*.yaml")).stem
    sandbox.advance(timedelta(days=1))
    said = planned("plan", "--diff", first, "--json", env=ALL_THE_SAME)
    moved = {(one["was"], one["now"]) for one in said.json["moved"]}
    assert {("hold (no-credentials)", "enforce none, wave rest")} == {
        way for way in moved if "rest" in way[1]
    }

    assert "hold (no-credentials)" in planned("plan", "--diff", first, env=ALL_THE_SAME).out
    assert 1 == planned("plan", "--diff", "nope", env=ALL_THE_SAME).code


def test_a_summary_is_of_the_whole_plan(planned: Shell):
    assert 2 == planned("show", "--markdown", "--user", "*/alice").code
