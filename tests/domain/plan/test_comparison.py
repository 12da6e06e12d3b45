"""What has changed between two plans: nobody is moved silently, and nobody vanishes silently."""

from __future__ import annotations

from dataclasses import replace

from rollout.domain.plan.comparison import SHOWN, PlanComparison
from tests.builders import ACCOUNT, an_account_plan, an_entry


def differences(before, after) -> list[str]:
    comparison = PlanComparison("k3f9")
    comparison.see(an_account_plan(*before), an_account_plan(*after))
    return list(comparison.lines())


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def test_without_a_plan_before_nothing_is_said():
    comparison = PlanComparison()
    comparison.see(None, an_account_plan(an_entry()))
    assert [] == list(comparison.lines())


def test_accounts_that_came_or_went_are_told_by_their_users():
    comparison = PlanComparison("k3f9")
    comparison.see(None, an_account_plan(an_entry("new")))
    comparison.see(an_account_plan(an_entry("old", "exempt")), None)
    assert [
        f"  {arn('new')}: new, enforce (has-mfa), wave rest",
        f"  {arn('old')}: gone, was exempt (exemption)",
    ] == list(comparison.lines())[1:]


def test_the_same_plan_differs_in_nothing():
    assert ["Since plan k3f9: no difference"] == differences([an_entry()], [an_entry()])


def test_another_verdict_is_told_with_both():
    lines = differences([an_entry(because=["no-mfa"], impact="enrol")], [an_entry("alice", "hold")])
    assert "Since plan k3f9: 1 difference" == lines[0]
    assert [f"  {arn('alice')}: enforce (no-mfa), wave rest -> hold (machine)"] == lines[1:]


def test_another_impact_is_a_difference():
    lines = differences([an_entry(impact="cli")], [an_entry(impact="enrol")])
    assert [
        f"  {arn('alice')}: enforce (has-mfa, keys-in-use), wave rest -> enforce (no-mfa), wave rest"
    ] == lines[1:]


def test_another_wave_is_a_difference():
    lines = differences([an_entry(wave="canary")], [an_entry(wave="rest")])
    assert [f"  {arn('alice')}: enforce (has-mfa), wave canary -> enforce (has-mfa), wave rest"] == lines[1:]


def test_other_words_for_the_same_decision_are_none():
    one = an_entry(forecast="this", fingerprint="sha256:1", address="a@example.com")
    other = an_entry(forecast="that", fingerprint="sha256:2", address="b@example.com")
    assert ["Since plan k3f9: no difference"] == differences([one], [other])


def test_who_is_new_and_who_is_gone_are_told():
    lines = differences([an_entry("old", "exempt")], [an_entry("new")])
    assert [
        f"  {arn('new')}: new, enforce (has-mfa), wave rest",
        f"  {arn('old')}: gone, was exempt (exemption)",
    ] == lines[1:]


def test_users_are_known_by_id_and_not_by_name():
    entry = an_entry()
    recreated = replace(entry, user=replace(entry.user, id="AIDAANOTHER"))
    new, gone = differences([entry], [recreated])[1:]
    assert f"{arn('alice')}: new," in new
    assert f"{arn('alice')}: gone" in gone


def test_a_long_list_is_cut_and_counted():
    lines = differences([], [an_entry(f"user-{number:02}") for number in range(SHOWN + 5)])
    assert f"Since plan k3f9: {SHOWN + 5} differences" == lines[0]
    assert SHOWN + 2 == len(lines)
    assert "  and 5 more: compare the two files" == lines[-1]


def test_lines_are_sorted_by_arn():
    before = [an_entry(name, wave="canary") for name in ("zoe", "alice", "mia")]
    after = [an_entry(name, wave="rest") for name in ("mia", "zoe", "alice")]
    assert [arn(name) for name in ("alice", "mia", "zoe")] == [
        line.strip().rsplit(": ", 1)[0] for line in differences(before, after)[1:]
    ]
