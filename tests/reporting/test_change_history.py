"""What was done, noted and left alone: every kind of line, in the order of the journal, and each thing once."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import DeliverySeen
from rollout.reporting.change_columns import CHANGES, ChangeLine
from rollout.reporting.change_history import change_lines, kind_of, target_of
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    ORGANIZATION,
    POLICY,
    a_change,
    a_membership,
    a_passed,
    a_progress,
    a_ref,
    a_run,
    a_told,
    an_account_failure,
    an_id,
    an_intent,
    an_override,
)


def changes_of(*records, rehearsal=None) -> list[ChangeLine]:
    return change_lines(a_progress(*records), rehearsal)


def test_changes_notices_and_skips_are_in_the_journals_order():
    minutes = [NOW + timedelta(minutes=number) for number in range(6)]
    rows = changes_of(
        a_run(at=minutes[0]),
        an_override(at=minutes[0]),
        a_told(at=minutes[1]),
        *a_change(at=minutes[2]),
        a_passed("bob", at=minutes[3]),
        an_account_failure(at=minutes[4], cure="name another role"),
        a_told("carol", at=minutes[5], delivery="refused", detail="mailbox unknown"),
    )
    assert [
        ("override-gate", "overridden", "incident 7"),
        ("notice", "told", "impact none"),
        ("add-member", "applied", ""),
        ("skip", "skipped", "notice: not told yet"),
        ("enter-account", "failed", "AccessDenied on sts:AssumeRole"),
        ("notice", "failed", "mailbox unknown"),
    ] == [(row.change, row.outcome, row.detail) for row in rows]


def test_a_message_that_came_back_later_and_one_that_may_be_the_second_are_told():
    told = a_told(
        "bob", at=NOW, delivery="sent", detail="perhaps for the second time: run run-0 died while it sent it"
    )
    back = DeliverySeen(
        "look-1",
        NOW + timedelta(days=1),
        ORGANIZATION,
        told.user,
        told.address,
        told.message_id,
        Delivery.BOUNCED,
        NOW,
        "550 no such mailbox",
    )
    rows = changes_of(a_run(), told, back)
    assert [
        ("notice", "told", "sent", told.detail),
        ("delivery", "failed", "bounced", "550 no such mailbox"),
    ] == [(row.change, row.outcome, row.delivery, row.detail) for row in rows]


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
            ("applied", "unconfirmed: the response was lost, but the change was found in place", "r-1", 1),
        ),
        (AlreadyInPlace(), ("already-in-place", "", "", None)),
        (Skipped(SkipCode.DRIFT, "a key came"), ("skipped", "drift: a key came", "", None)),
        (Failed("AccessDenied", 3), ("failed", "AccessDenied", "", 3)),
    ],
)
def test_every_outcome_has_its_code(outcome, expected):
    row = CHANGES.row(changes_of(a_run(), *a_change(outcome=outcome))[0])
    assert expected == tuple(row[name] for name in ("outcome", "detail", "request_id", "attempts"))


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
    assert [("alice", "applied"), ("bob", "rehearsed")] == [
        (row.user.name if row.user else "", row.outcome) for row in rows
    ]


def test_a_failed_write_keeps_what_aws_said_of_it():
    failed = Failed("AccessDenied on iam:AddUserToGroup", 3, "AccessDenied", "r-9", "let the role do it")
    row = CHANGES.row(changes_of(a_run(), *a_change(outcome=failed))[0])
    assert ("AccessDenied", 3, "r-9", "let the role do it") == tuple(
        row[name] for name in ("error_code", "attempts", "request_id", "cure")
    )


def test_an_account_that_could_not_be_entered_has_its_cure_once():
    row = CHANGES.row(changes_of(a_run(), an_account_failure(cure="name another role"))[0])
    assert "name another role" == row["cure"]
    assert "name another role" not in row["detail"]


def test_a_failure_is_told_once():
    """The journal has the write that failed, and that its user was left alone because of it."""
    failure, skip = a_change(outcome=Failed("Throttling", 8)), a_passed(code="failed", detail="Throttling")
    rows = changes_of(
        a_run(), *failure, skip, a_passed("bob", code="failed", detail="not seen when read back")
    )
    assert [("add-member", "alice"), ("skip", "bob")] == [
        (row.change, row.user.name if row.user else "") for row in rows
    ]


def test_a_failure_of_another_run_is_told_too():
    failure = a_change(outcome=Failed("Throttling", 8))
    rows = changes_of(a_run(), *failure, a_run("run-2"), a_passed(code="failed", run="run-2"))
    assert ["add-member", "skip"] == [row.change for row in rows]


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
    assert (word, target) == (kind_of(change), target_of(change))


def test_a_change_names_its_user_and_who_ran_it():
    row = CHANGES.row(changes_of(a_run(caller="arn:ana"), *a_change())[0])
    assert ("alice", an_id(ACCOUNT, "alice"), "arn:ana") == (row["user_name"], row["user_id"], row["caller"])
