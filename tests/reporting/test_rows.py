"""Rows: everything of plan and journal, once, and in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.reporting.change_history import ChangeRow, target_of, word_of
from rollout.reporting.frames import count
from rollout.reporting.rows import flatten, percent
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    POLICY,
    a_carried,
    a_change,
    a_finding,
    a_header,
    a_membership,
    a_passed,
    a_progress,
    a_ref,
    a_run,
    a_told,
    an_account_failure,
    an_account_plan,
    an_entry,
    an_id,
    an_intent,
    an_override,
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
    flat = flatten(header, drawn, a_progress(), NOW)
    counts = count(flat)
    users = sum(len(account.entries) for account in drawn)
    assert users == len(flat.users) == counts.users == sum(header.verdicts.values())
    assert header.verdicts == counts.verdicts
    assert header.waves == {wave.name: wave.users for wave in flat.waves}
    assert len(drawn) + closed == len(flat.accounts)
    for kind in Kind:
        assert header.verdicts[kind] == sum(getattr(row, kind) or 0 for row in flat.accounts)
    assert users == sum(row.users or 0 for row in flat.accounts) == sum(ou.users for ou in counts.ous)
    assert len(flat.accounts) == sum(ou.entered + ou.left_out for ou in counts.ous)
    assert (
        counts.under_mfa == counts.enforced_by_us + counts.covered == sum(ou.under_mfa for ou in counts.ous)
    )
    assert sum(row.enforced or 0 for row in flat.accounts) == sum(row.enforced for row in flat.users)
    assert users == sum(counts.states.values())
    for wave in flat.waves:
        assert wave.users == wave.enforced + sum(number for _, number in wave.waits)


def test_an_account_that_was_not_entered_has_no_numbers():
    """Unknown is empty, never 0."""
    flat = flatten(a_header(left_out=(left_out(cure="name another role"),)), (), a_progress(), NOW)
    row = flat.accounts[0]
    assert ("unreachable", "no role lets us in", "name another role") == (row.state, row.reason, row.cure)
    assert {None} == {
        row.users,
        row.exempt,
        row.covered,
        row.hold,
        row.enforce,
        row.enforced,
        row.mfa_active_users,
    }
    assert row.coverage_percent is None


def test_requests_are_shown_where_they_were_counted():
    """An account that nobody asked anything of, or a plan older than the counting, has no numbers: not zeros."""
    entered = replace(an_account_plan(), calls=12, retries=0)
    left = (replace(left_out(), calls=3, retries=2), left_out("555566667777", "closed"))
    older = an_account_plan(account_id="999900001111")
    flat = flatten(a_header(left_out=left), (entered, older), a_progress(), NOW)
    counted = {row.account_id: (row.calls, row.retries) for row in flat.accounts}
    assert (12, 0) == counted[ACCOUNT]
    assert (3, 2) == counted["444455556666"]
    assert (None, None) == counted["555566667777"] == counted["999900001111"]


def test_accounts_are_in_order_of_their_ids_whether_entered_or_not():
    account = an_account_plan(account_id="222222222222")
    header = a_header(account, left_out=(left_out("333333333333"), left_out("000000000001", "closed")))
    flat = flatten(header, (account,), a_progress(), NOW)
    assert ["000000000001", "222222222222", "333333333333"] == [row.account_id for row in flat.accounts]


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 0, None), (0, 3, 0.0), (2, 3, 66.6), (9_999, 10_000, 99.9), (3, 3, 100.0)],
)
def test_a_share_is_rounded_down_so_that_100_means_everybody(part, whole, expected):
    assert expected == percent(part, whole)


def test_a_finding_has_the_name_of_its_account():
    account = an_account_plan(findings=(a_finding(account_id=ACCOUNT),))
    flat = flatten(a_header(account, findings=(a_finding("brake"),)), (account,), a_progress(), NOW)
    assert ["", "payments-prod"] == [finding.account_name for finding in flat.findings]
    assert "root-without-mfa: The root user has no MFA" == flat.accounts[0].findings


def test_a_user_row_tells_what_the_notice_said():
    account = an_account_plan(an_entry(impact="cli", cure="", forecast="s3"))
    progress = a_progress(
        a_run(), a_told(impact="cli", address="alice@corp.example"), a_carried(stage="notify")
    )
    flat = flatten(a_header(account), (account,), progress, NOW)
    row = flat.users[0]
    assert ("alice@corp.example", "delivered", NOW) == (row.address, row.delivery, row.notified_at)
    assert "an MFA device is on; key 1 was used 3 days ago for s3" == row.why
    assert (1, 0, NOW) == (flat.waves[1].told, flat.waves[1].enforced, flat.waves[1].notified_at)


# --- Changes ---


def changes_of(*records, rehearsal=None) -> tuple[ChangeRow, ...]:
    return flatten(a_header(), (), a_progress(*records), NOW, rehearsal=rehearsal).changes


def test_changes_notices_and_skips_are_in_the_journals_order():
    minutes = [NOW + timedelta(minutes=number) for number in range(6)]
    rows = changes_of(
        a_run(at=minutes[0]),
        an_override(at=minutes[0]),
        a_told(at=minutes[1]),
        *a_change(at=minutes[2]),
        a_passed("bob", at=minutes[3]),
        an_account_failure(at=minutes[4], cure="name another role"),
        a_told("carol", at=minutes[5], delivery="failed", detail="mailbox unknown"),
    )
    assert [
        ("override-gate", "overridden", "incident 7"),
        ("notice", "told", "impact none"),
        ("add-member", "applied", ""),
        ("skip", "skipped", "notice: not told yet"),
        ("enter-account", "failed", "AccessDenied on sts:AssumeRole. name another role"),
        ("notice", "failed", "mailbox unknown"),
    ] == [(row.change, row.outcome, row.detail) for row in rows]


def test_a_clock_that_stands_still_leaves_accounts_in_order():
    """Accounts are worked on side by side: their intents come in any order."""
    mine, other = a_membership(), a_membership(account_id="000000000002")
    one = changes_of(a_run(), *a_change(mine, number=1), *a_change(other, number=2))
    two = changes_of(a_run(), *a_change(other, number=1), *a_change(mine, number=2))
    assert [row.account_id for row in one] == [row.account_id for row in two] == ["000000000002", ACCOUNT]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Applied("r-1", 2), ("applied", "", "r-1", 2)),
        (
            Applied("r-1", unconfirmed=True),
            ("applied", "unconfirmed: the answer was lost, the effect was found", "r-1", 1),
        ),
        (AlreadyInPlace(), ("already-in-place", "", "", None)),
        (Skipped(SkipCode.DRIFT, "a key came"), ("skipped", "drift: a key came", "", None)),
        (Failed("AccessDenied", 3), ("failed", "AccessDenied", "", 3)),
    ],
)
def test_every_outcome_has_its_word(outcome, expected):
    row = changes_of(a_run(), *a_change(outcome=outcome))[0]
    assert expected == (row.outcome, row.detail, row.request_id, row.attempts)


def test_an_intent_without_an_outcome_is_unsettled():
    assert "unsettled" == changes_of(a_run(), an_intent())[0].outcome


def test_what_a_dry_run_noted_is_rehearsed():
    rehearsal = a_progress(
        a_run("dry", stage="dry-run"),
        *a_change(run="dry"),
        *a_change(a_membership("bob"), Skipped(SkipCode.DRIFT, "a key came"), run="dry", number=2),
        a_told(run="dry"),
        a_passed(run="dry"),
    )
    rows = changes_of(a_run(), *a_change(), rehearsal=rehearsal)
    assert ["applied", *["rehearsed"] * 4] == [row.outcome for row in rows]
    assert ["would be applied", "would be skipped: drift: a key came"] == [row.detail for row in rows[1:3]]
    assert [""] * 5 == [row.delivery for row in rows]


def test_what_a_rehearsal_read_of_the_real_journal_is_not_told_twice():
    """A rehearsal's journal goes on where the real one ends, and the real one knows that there was a rehearsal."""
    real = (a_run(), *a_change(), a_run("dry", stage="dry-run"))
    rehearsal = a_progress(*real, *a_change(a_membership("bob"), run="dry"))
    rows = changes_of(*real, rehearsal=rehearsal)
    assert [("alice", "applied"), ("bob", "rehearsed")] == [(row.user_name, row.outcome) for row in rows]


def test_a_user_who_failed_without_a_change_failed():
    row = changes_of(a_run(), a_passed(code="failed", detail="not seen when read back"))[0]
    assert ("skip", "failed", "failed: not seen when read back") == (row.change, row.outcome, row.detail)


def test_a_dry_run_in_the_journal_itself_is_rehearsed_too():
    rows = changes_of(a_run(stage="dry-run"), *a_change(), a_told(), a_passed())
    assert {"rehearsed"} == {row.outcome for row in rows}


@pytest.mark.parametrize(
    ("change", "word", "target"),
    [
        (CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", {}, {}), "create-policy", POLICY),
        (CreateVersion(ACCOUNT, POLICY, {}), "create-version", POLICY),
        (SetDefaultVersion(ACCOUNT, POLICY, "v1"), "set-default-version", f"{POLICY} version v1"),
        (DeleteVersion(ACCOUNT, POLICY, "v2"), "delete-version", f"{POLICY} version v2"),
        (DeletePolicy(ACCOUNT, POLICY), "delete-policy", POLICY),
        (CreateGroup(ACCOUNT, GROUP, "/rollout/"), "create-group", "group ForceMFA"),
        (DeleteGroup(ACCOUNT, GROUP), "delete-group", "group ForceMFA"),
        (AttachToGroup(ACCOUNT, GROUP, POLICY), "attach-to-group", f"{POLICY} on group ForceMFA"),
        (DetachFromGroup(ACCOUNT, GROUP, POLICY), "detach-from-group", f"{POLICY} on group ForceMFA"),
        (a_membership(), "add-member", "group ForceMFA"),
        (RemoveMember(ACCOUNT, GROUP, a_ref()), "remove-member", "group ForceMFA"),
        (AttachToUser(ACCOUNT, a_ref(), POLICY), "attach-to-user", POLICY),
        (DetachFromUser(ACCOUNT, a_ref(), POLICY), "detach-from-user", POLICY),
    ],
)
def test_every_change_has_a_word_and_a_target(change, word, target):
    assert (word, target) == (word_of(change), target_of(change))


def test_a_change_names_its_user_and_who_ran_it():
    row = changes_of(a_run(caller="arn:ana"), *a_change())[0]
    assert ("alice", an_id(ACCOUNT, "alice"), "arn:ana") == (row.user_name, row.user_id, row.caller)
