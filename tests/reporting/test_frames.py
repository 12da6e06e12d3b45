"""Frames: typed columns, in which ids stay text and the unknown stays missing."""

from __future__ import annotations

from datetime import date

import pandas as pd

from rollout.reporting.account_columns import ACCOUNTS
from rollout.reporting.change_columns import CHANGES
from rollout.reporting.frames import count, frame
from rollout.reporting.report_data import ReportData, gather
from rollout.reporting.user_columns import USERS
from tests.builders import ACCOUNT, NOTIFIED, NOW, a_header, a_progress, an_account_plan, an_entry, left_out
from tests.reporting.examples import SMALL_NOW, small_accounts, small_header, small_progress


def small() -> ReportData:
    accounts = small_accounts()
    return gather(small_header(accounts), accounts, small_progress(), SMALL_NOW, notified=NOTIFIED)


def test_ids_are_text_with_their_zeros():
    assert ACCOUNT == frame(USERS, small().users)["account_id"].iloc[0]


def test_columns_have_the_types_of_their_fields():
    users = frame(USERS, small().users)
    assert "bool" == users["mfa_active"].dtype
    assert "int64" == users["active_keys"].dtype
    assert isinstance(users["key_last_used"].dtype, pd.DatetimeTZDtype)
    assert users["exempt_until"].isna().any()


def test_unknown_numbers_are_missing_not_zero():
    accounts = frame(ACCOUNTS, small().accounts)
    unseen = accounts[accounts["state"] != "entered"]
    assert "Int64" == accounts["users"].dtype
    assert unseen["users"].isna().all()


def test_nothing_at_all_makes_empty_frames_with_all_columns():
    report = gather(a_header(), (), a_progress(), NOW, notified=NOTIFIED)
    for made in (
        frame(USERS, report.users),
        frame(ACCOUNTS, report.accounts),
        frame(CHANGES, report.changes),
    ):
        assert 0 == len(made) < len(made.columns)
    counts = count(report)
    assert (0, (), ()) == (counts.users, counts.reasons, counts.ous)


def test_reasons_are_counted_with_the_cure_most_share():
    hold = [
        an_entry("a", "hold", cure="exempt it"),
        an_entry("b", "hold", cure="exempt it"),
        an_entry("c", "hold", cure="move it"),
    ]
    account = an_account_plan(*hold, an_entry("d"))
    lines = count(gather(a_header(account), (account,), a_progress(), NOW, notified=NOTIFIED)).reasons
    assert [("hold", "machine", 3, 1, "exempt it"), ("enforce", "has-mfa", 1, 1, "")] == [
        (line.verdict, line.reason, line.users, line.accounts, line.cure) for line in lines
    ]


def test_an_ou_tells_how_many_of_its_accounts_nobody_looked_into():
    account = an_account_plan(an_entry(), an_entry("bob", "covered"))
    header = a_header(account, left_out=(left_out(ou="Workloads/Prod"), left_out("1" * 12, ou="Lab")))
    ous = count(gather(header, (account,), a_progress(), NOW, notified=NOTIFIED)).ous
    assert [("Lab", 0, 1, 0, None), ("Workloads/Prod", 1, 1, 2, 50.0)] == [
        (ou.ou, ou.entered, ou.left_out, ou.users, ou.percent) for ou in ous
    ]


def test_outcomes_are_counted_per_kind_of_change():
    outcomes = dict(count(small()).outcomes)
    assert {"applied": 1, "failed": 1, "unsettled": 1} == outcomes["add-member"]
    assert {"failed": 1, "told": 3} == outcomes["notice"]


def test_an_exemption_may_last_beyond_all_measure():
    account = an_account_plan(an_entry(verdict="exempt", exempt_until=date(9999, 12, 31)))
    report = gather(a_header(account), (account,), a_progress(), NOW, notified=NOTIFIED)
    assert date(9999, 12, 31) == frame(USERS, report.users)["exempt_until"].iloc[0].date()


def test_what_no_table_shows_is_not_held():
    """The answers of evaluation and the other users of the account would be, for every user of a large report."""
    for line in small().users:
        assert ((), ()) == (line.account.entries, line.account.matrices)
        assert ("", (), {}) == (line.entry.fingerprint, line.entry.doors, line.entry.facts.tags)
