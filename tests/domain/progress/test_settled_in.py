"""Outcomes taken into what is known already: the same as reading the journal again, and others are not disturbed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.projection import replay, settled_in
from rollout.domain.progress.records import Record
from rollout.domain.progress.releases import RELEASE, RELEASE_END, ROLLBACK
from tests.builders import (
    ACCOUNT,
    GROUP,
    ORGANIZATION,
    POLICY,
    a_change,
    a_ref,
    a_run,
    a_settlement,
    an_intent,
)

OTHER = "222233334444"
THEIRS = POLICY.replace(ACCOUNT, OTHER)
ALICE, OLGA = a_ref("alice"), a_ref("olga", OTHER)
MADE: tuple[Change, ...] = (
    CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", {"Version": "2012-10-17"}, {}),
    CreateGroup(ACCOUNT, GROUP, "/rollout/"),
    AttachToGroup(ACCOUNT, GROUP, POLICY),
    AddMember(ACCOUNT, GROUP, ALICE),
    AttachToUser(ACCOUNT, a_ref("bob"), POLICY),
    CreatePolicy(OTHER, THEIRS, "ForceMFA", "/rollout/", {"Version": "2012-10-17"}, {}),
    AddMember(OTHER, GROUP, OLGA),
)
OPEN: tuple[Change, ...] = (
    *(change for change in MADE if change.account_id == ACCOUNT),
    AddMember(ACCOUNT, GROUP, a_ref("zoe")),
    CreateVersion(ACCOUNT, POLICY, {"Version": "2008-10-17"}),
    SetDefaultVersion(ACCOUNT, POLICY, "v1"),
    RemoveMember(ACCOUNT, GROUP, ALICE),
    DetachFromUser(ACCOUNT, a_ref("bob"), POLICY),
    DetachFromGroup(ACCOUNT, GROUP, POLICY),
    DeleteGroup(ACCOUNT, GROUP),
    DeletePolicy(ACCOUNT, POLICY),
)
OUTCOMES: tuple[Outcome, ...] = (
    Applied("request", made="ANPA"),
    AlreadyInPlace(),
    Skipped(SkipCode.GONE, "deleted"),
    Skipped(SkipCode.NOT_MADE, "died"),
    Failed("EntityAlreadyExists", code="EntityAlreadyExists"),
)


@pytest.mark.parametrize("command", ["apply", RELEASE, RELEASE_END, ROLLBACK])
@pytest.mark.parametrize("change", OPEN, ids=lambda change: type(change).__name__)
def test_it_is_the_same_as_reading_the_journal_again(change: Change, command: str):
    records: list[Record] = [a_run()]
    for number, made in enumerate(MADE, 1):
        records += a_change(made, number=number)
    records += [replace(a_run("dead"), command=command), an_intent(change, run="dead")]
    for outcome in OUTCOMES:
        settled = a_settlement(outcome, run="dead")
        before = replay(records, ORGANIZATION)
        untouched = deepcopy(before)
        assert replay([*records, settled], ORGANIZATION) == settled_in(before, ACCOUNT, [settled])
        assert untouched == before
