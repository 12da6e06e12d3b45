"""What no run of this tool can have done is told from what it does, whoever wrote it into the journal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.drift import Drifted, about_records
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
)
from rollout.domain.policy.made import Made
from rollout.domain.policy.possible import why_impossible
from rollout.domain.progress.projection import replay
from rollout.domain.progress.records import RunStarted
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, GROUP, NOW, ORGANIZATION, POLICY, a_change, a_progress, a_ref, a_run
from tests.store import strategies

OTHER = "999999999999"
ALICE = a_ref("alice")


@pytest.mark.parametrize(
    "change",
    [
        AddMember(ACCOUNT, GROUP, ALICE),
        AddMember(ACCOUNT, "a+b=c,d.e@f-_1", replace(ALICE, name="alice+ops@example.com")),
        AttachToGroup(ACCOUNT, GROUP, POLICY),
        AttachToUser(ACCOUNT, ALICE, f"arn:aws-cn:iam::{ACCOUNT}:policy/ForceMFA"),
        AttachToUser(ACCOUNT, ALICE, f"arn:aws-us-gov:iam::{ACCOUNT}:policy/a/b!c/ForceMFA"),
    ],
)
def test_what_this_tool_does_is_possible(change: Change):
    assert "" == why_impossible(change)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (AddMember("1234", GROUP, ALICE), "the account ID is not one of AWS"),
        (AddMember(ACCOUNT, "a/b", ALICE), "no group can have this name"),
        (CreateGroup(ACCOUNT, "", "/rollout/"), "no group can have this name"),
        (AddMember(ACCOUNT, GROUP, replace(ALICE, account_id=OTHER)), "the user is in another account"),
        (AddMember(ACCOUNT, GROUP, replace(ALICE, name="../x")), "no user can have this name or ID"),
        (AddMember(ACCOUNT, GROUP, replace(ALICE, id="")), "no user can have this name or ID"),
        (AttachToGroup(ACCOUNT, GROUP, POLICY.replace(ACCOUNT, OTHER)), "the policy is in another account"),
        (
            AttachToGroup(ACCOUNT, GROUP, "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            "this is not the ARN of a policy",
        ),
        (AttachToGroup(ACCOUNT, GROUP, POLICY.replace("policy", "role")), "this is not the ARN of a policy"),
        (CreatePolicy(ACCOUNT, f"{POLICY}\n", "ForceMFA", "/", {}, {}), "this is not the ARN of a policy"),
    ],
)
def test_all_else_is_not(change: Change, why: str):
    assert why == why_impossible(change)
    progress = a_progress(a_run(), *a_change(change))
    assert not progress.owned.all
    assert not progress.accounts_tried
    (found,) = about_records(progress)
    assert (Drifted.IMPOSSIBLE_RECORD, why) == (found.kind, found.text.rpartition(": ")[2])


@given(st.lists(strategies.some_records, max_size=12))
def test_no_journal_is_too_strange_to_be_read(records):
    """Whatever somebody writes, what the journal says of other users and accounts can still be asked."""
    runs = {record.run for record in records}
    started = [RunStarted(run, NOW, ORGANIZATION, "k3f9", "", Stage.ENFORCE, "", "") for run in runs]
    progress = replay([*started, *records], ORGANIZATION)
    assert Made() == progress.made_in(ACCOUNT)
    assert progress.enforcement_of(ACCOUNT, "AIDAALICE") is None
    list(about_records(progress))
