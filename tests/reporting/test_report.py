"""A report before it is laid out: everything of plan and journal, once, and in order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.reporting.account_columns import ACCOUNTS, percent
from rollout.reporting.frames import count
from rollout.reporting.report_data import gather
from rollout.reporting.user_columns import USERS
from tests.builders import (
    ACCOUNT,
    NOTIFIED,
    NOW,
    a_carried,
    a_finding,
    a_header,
    a_progress,
    a_run,
    a_told,
    an_account_plan,
    an_entry,
    left_out,
)

entries = st.builds(
    lambda verdict, impact, wave, by: an_entry(
        verdict=verdict,
        impact=impact,
        wave=wave,
        enforced_by=by or ("RequireMfa" if verdict == "covered" else ""),
    ),
    st.sampled_from(Kind),
    st.sampled_from(Impact),
    st.sampled_from(["canary", "rest"]),
    st.sampled_from(["", "ForceMFA (group ForceMFA)"]),
)
accounts = st.lists(st.lists(entries, max_size=6), max_size=5).map(
    lambda drawn: tuple(
        an_account_plan(*entries, account_id=f"{number:012d}", ou=f"Unit {number % 2}")
        for number, entries in enumerate(drawn)
    )
)


@given(accounts, st.integers(0, 3))
@settings(max_examples=40)  # each one builds frames
def test_totals_add_up_with_the_header(drawn, closed):
    """Every sum of the report is the header's number: users, verdicts, waves, OUs, accounts."""
    header = a_header(*drawn, left_out=tuple(left_out(f"{900 + n:012d}", "closed") for n in range(closed)))
    report = gather(header, drawn, a_progress(), NOW, notified=NOTIFIED)
    counts = count(report)
    users = sum(len(account.entries) for account in drawn)
    assert users == len(report.users) == counts.users == sum(header.verdicts.values())
    assert header.verdicts == counts.verdicts
    assert header.waves == {wave.name: wave.users for wave in report.waves}
    accounts = [ACCOUNTS.row(account) for account in report.accounts]
    assert len(drawn) + closed == len(accounts)
    for kind in Kind:
        assert header.verdicts[kind] == sum(row[kind] or 0 for row in accounts)
    assert users == sum(row["users"] or 0 for row in accounts) == sum(ou.users for ou in counts.ous)
    assert len(report.accounts) == sum(ou.entered + ou.left_out for ou in counts.ous)
    assert (
        counts.under_mfa
        == counts.enforced_by_us + counts.verdicts[Kind.COVERED]
        == sum(ou.under_mfa for ou in counts.ous)
    )
    assert sum(row["enforced"] or 0 for row in accounts) == sum(user.enforced for user in report.users)
    assert users == counts.under_mfa + sum(counts.unprotected.values())
    assert len(accounts) == sum(counts.listed.values())
    for wave in report.waves:
        assert wave.users == wave.enforced + sum(number for _, number in wave.waits)


def test_an_account_that_was_not_entered_has_no_numbers():
    """Unknown is empty, never 0."""
    report = gather(
        a_header(left_out=(left_out(cure="name another role"),)), (), a_progress(), NOW, notified=NOTIFIED
    )
    row = ACCOUNTS.row(report.accounts[0])
    assert ("unreachable", "no role lets us in", "name another role") == (
        row["state"],
        row["reason"],
        row["cure"],
    )
    numbers = ("users", *Kind, "enforced", "mfa_active_users", "coverage_percent")
    assert {None} == {row[name] for name in numbers}


def test_requests_are_shown_where_they_were_counted():
    """An account that nobody asked anything of, or a plan older than the counting, has no numbers: not zeros."""
    entered = replace(an_account_plan(), calls=12, retries=0)
    left = (replace(left_out(), calls=3, retries=2), left_out("555566667777", "closed"))
    older = an_account_plan(account_id="999900001111")
    report = gather(a_header(left_out=left), (entered, older), a_progress(), NOW, notified=NOTIFIED)
    rows = map(ACCOUNTS.row, report.accounts)
    counted = {row["account_id"]: (row["calls"], row["retries"]) for row in rows}
    assert (12, 0) == counted[ACCOUNT]
    assert (3, 2) == counted["444455556666"]
    assert (None, None) == counted["555566667777"] == counted["999900001111"]


def test_accounts_are_in_order_of_their_ids_whether_entered_or_not():
    account = an_account_plan(account_id="222222222222")
    header = a_header(account, left_out=(left_out("333333333333"), left_out("000000000001", "closed")))
    report = gather(header, (account,), a_progress(), NOW, notified=NOTIFIED)
    assert ["000000000001", "222222222222", "333333333333"] == [
        account.part.account_id for account in report.accounts
    ]


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, None), (0, 3, 0.0), (2, 3, 66.6), (9_999, 10_000, 99.9), (3, 3, 100.0)],
)
def test_a_share_is_rounded_down_so_that_100_means_everybody(part, whole, expected):
    assert expected == percent(part, whole)


def test_findings_of_the_organization_come_before_those_of_accounts():
    account = an_account_plan(findings=(a_finding(account_id=ACCOUNT),))
    report = gather(
        a_header(account, findings=(a_finding("brake"),)), (account,), a_progress(), NOW, notified=NOTIFIED
    )
    assert ["", ACCOUNT] == [finding.account_id for finding in report.findings]
    assert "root-without-mfa: The root user has no MFA" == ACCOUNTS.row(report.accounts[0])["findings"]


def test_a_user_row_tells_what_the_notice_said():
    account = an_account_plan(an_entry(impact="cli", cure="", forecast="s3"))
    progress = a_progress(
        a_run(), a_told(impact="cli", address="alice@corp.example"), a_carried(stage="notify")
    )
    report = gather(a_header(account), (account,), progress, NOW, notified=NOTIFIED)
    row = USERS.row(report.users[0])
    assert ("alice@corp.example", "delivered", NOW) == (row["address"], row["delivery"], row["notified_at"])
    assert "an MFA device is on; key 1 was used 3 days ago for s3" == row["why"]
    assert (1, 0, NOW) == (report.waves[1].told, report.waves[1].enforced, report.waves[1].notified_at)
