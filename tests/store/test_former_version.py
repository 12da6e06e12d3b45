"""Plan, evidence and journal of version 0.1 are read, and say the same as they did then.

The sample was written by that version: two waves notified, enforced, one user taken out by hand, one locked out and
released, an account released and back, an override, an approval, an account that could not be entered, and wave `rest`
rolled back.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from rollout.domain.gates import ApprovalRule
from rollout.domain.gates.approval import approvals_of
from rollout.domain.progress.projection import Progress, replay
from rollout.domain.progress.records import Record
from rollout.domain.progress.stages import Stage
from rollout.domain.status.user_status import Statuses, UserStatus, counts_of
from rollout.store.filed_plan import FiledPlan
from rollout.store.folder.segments import FolderJournal
from rollout.store.plan_files import FolderPlans
from tests.builders import NOTIFIED

SAMPLE = Path(__file__).parents[1] / "samples" / "v0.1"


@pytest.fixture(scope="module")
def plan() -> FiledPlan:
    return FolderPlans(SAMPLE).load(None)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(FolderJournal(SAMPLE, "reading").records())


@pytest.fixture(scope="module")
def progress(plan: FiledPlan, records: list[Record]) -> Progress:
    return replay(records, plan.header.organization_id)


@pytest.fixture(scope="module")
def statuses(plan: FiledPlan, records: list[Record], progress: Progress) -> dict[str, UserStatus]:
    known = Statuses(plan.header, progress, NOTIFIED, max(record.at for record in records))
    entries = [entry for part in plan.accounts() for entry in part.entries]
    return {entry.user.name: known.of(entry.user, entry) for entry in entries}


def test_every_record_is_read_by_its_name_of_today(records: list[Record]):
    kinds = Counter(type(record).__name__ for record in records)
    assert (4, 1, 3, 2, 3, 2) == tuple(
        kinds[kind] for kind in ("UserSkipped", "Deadlocked", "Released", "ReleaseEnded", "Told", "Reminded")
    )
    assert 115 == sum(kinds.values())


def test_plan_and_evidence_fit_together(plan: FiledPlan):
    assert {"canary": 4, "rest": 4} == dict(plan.header.waves)
    assert {} == plan.header.impact, "a plan of that version has no figures of the impact"
    assert 8 == sum(len(part.entries) for part in plan.accounts())


def test_everybody_stands_where_they_did(statuses: dict[str, UserStatus]):
    assert {
        "alice": "enforced",
        "bob": "released",
        "erin": "enforced",
        "hand": "released",
        "frank": "waiting",
        "gina": "skipped(notice)",
        "olga": "waiting",
        "tess": "waiting",
    } == {name: status.state_code for name, status in statuses.items()}
    canary = counts_of(status for status in statuses.values() if status.wave == "canary")
    rest = counts_of(status for status in statuses.values() if status.wave == "rest")
    assert (4, 0, 2, 2, 2) == (canary.users, canary.queued, canary.told, canary.enforced, canary.released)
    assert (4, 0, 0, 0, 0) == (rest.users, rest.queued, rest.told, rest.enforced, rest.released)


def test_waves_gates_and_what_is_ours_are_known(plan: FiledPlan, progress: Progress):
    assert {(Stage.NOTIFY, "canary"), (Stage.ENFORCE, "canary")} == set(progress.carried)
    assert {"rest"} == set(progress.undone)
    assert {plan.header.checksum} == set(progress.rehearsed)
    assert {(plan.header.checksum, "rest")} == set(progress.approvals)
    assert "" == plan.header.planner.id
    for rule, counted in ((ApprovalRule(), 1), (ApprovalRule(not_the_planner=True), 0)):
        found = approvals_of(progress, plan.header.checksum, "rest", plan.header.planner, rule)
        assert counted == len(found.counted)
    assert ["soak"] == [one.gate for one in progress.overrides]
    assert (2, 0) == (len(progress.failed_users("canary")), len(progress.failed_users("rest")))
    assert ["bob"] == [one.user.name for one in progress.releases.to_return.values()]
    kinds = Counter(type(done.intent.change).__name__ for done in progress.owned.all)
    assert {
        "CreatePolicy": 1,
        "CreateVersion": 1,
        "CreateGroup": 1,
        "AttachToGroup": 1,
        "AddMember": 4,
    } == kinds
