"""One change at a time: intent, write, outcome; what is in doubt is read, never guessed.

See design.md#apply-journal-store.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta

import pytest

from rollout.domain.people.observations import AccountFacts
from rollout.domain.policy import effects
from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DetachFromUser,
    Failed,
    Outcome,
    RemoveMember,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.projection import Done
from rollout.domain.progress.records import (
    Before,
    Intent,
    Record,
    Settled,
)
from rollout.workflows.account_run.journalled_writes import note_in_place, settle, write
from rollout.workflows.ports import AnswerLost, Refusal, WriteReceipt
from rollout.workflows.run_context import RunContext
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    OPERATOR,
    ORGANIZATION,
    POLICY,
    a_change,
    a_membership,
    a_progress,
    a_ref,
    a_run,
    a_user,
    an_account,
    an_intent,
)
from tests.builders import account_facts as facts_of
from tests.fakes import FakeAccount, FakeClock, FakeDoor, FakeEngine, FakeJournal, FakeProgress, Trouble
from tests.workflows.world import BRAKE, FULL, a_group

MEMBERSHIP = a_membership()
OTHER_DOCUMENT = {"Version": "2012-10-17", "Statement": []}
GONE = Refusal("NoSuchEntity: says the test", gone=True)


def a_run_context(journal: FakeJournal, clock: FakeClock) -> RunContext:
    return RunContext(
        id="run-1",
        organization_id=ORGANIZATION,
        caller=OPERATOR,
        version="1.0.0",
        access=FakeDoor([]),
        engine=FakeEngine(),
        journal=journal,
        clock=clock,
        progress=FakeProgress(),
        stopping=lambda: False,
    )


class Bench:
    """A run beside an account with alice and an empty group."""

    def __init__(self, *groups: str) -> None:
        self.journal = FakeJournal([a_run()])
        self.clock = FakeClock(NOW)
        facts = facts_of(a_user("alice", groups=groups), groups=[a_group(GROUP, path="/rollout/")])
        self.account = FakeAccount(an_account(), facts, self.clock)
        self.run = a_run_context(self.journal, self.clock)

    def make(self, change: Change = MEMBERSHIP) -> Outcome:
        return write(change, self.account, "rest", self.run)

    def settle(self, change: Change, before: str = "absent", earlier: tuple[Record, ...] = ()) -> Outcome:
        intent = an_intent(change, run="dead", number=7, before=before)
        settle(Done(a_run("dead"), intent, None, None), self.account, a_progress(*earlier), self.run)
        record = self.journal.kept[-1]
        assert isinstance(record, Settled)
        assert ("run-1", "dead", 7) == (record.run, record.of, record.number)
        return record.outcome


class Scripted(FakeAccount):
    """An account that answers each write as it is told, and shows the effect late."""

    script: list[Exception | None]
    visible: list[bool]
    patience: list[bool]

    def make(self, change: Change) -> WriteReceipt:
        self.attempted.append(change)
        trouble = self.script.pop(0)
        if trouble:
            raise trouble
        return WriteReceipt("request-9", 2)

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        self.patience.append(patiently)
        return self.visible.pop(0)


def scripted(script: list[Exception | None], visible: list[bool]) -> Bench:
    bench = Bench()
    account = Scripted(an_account(), facts_of(), bench.clock)
    account.script, account.visible, account.patience = script, visible, []
    bench.account = account
    return bench


def test_a_change_that_was_made_keeps_its_request_id_and_attempts():
    bench = scripted([None], [])
    assert Applied("request-9", attempts=2) == bench.make()
    intent, settled = bench.journal.kept[1:]
    assert intent == Intent("run-1", NOW, 1, MEMBERSHIP, Before.ABSENT, "rest")
    assert settled == Settled("run-1", NOW, "run-1", 1, Applied("request-9", attempts=2))


def test_intents_are_numbered_from_one():
    bench = Bench()
    for _ in range(3):
        bench.make()
    assert [1, 2, 3] == [record.number for record in bench.journal.kept if isinstance(record, Intent)]


def test_no_number_is_given_twice_to_threads():
    run, numbers, lock = Bench().run, list[int](), threading.Lock()

    def take():
        for _ in range(200):
            number = run.next_number()
            with lock:
                numbers.append(number)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(range(1, 1601)) == sorted(numbers)


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [
        (Trouble.REFUSED, Failed(Trouble.REFUSED.value)),
        (Trouble.GONE, Skipped(SkipCode.GONE, Trouble.GONE.value)),
        (Trouble.LOST_AFTER, Applied("", unconfirmed=True)),
        (Trouble.LOST_BEFORE, Applied(f"fake-{ACCOUNT}-1")),
    ],
)
def test_trouble_has_an_outcome_of_its_own(trouble, outcome):
    bench = Bench()
    bench.account.fail(trouble)
    assert outcome == bench.make()
    assert outcome == getattr(bench.journal.kept[-1], "outcome", None)


def test_a_refusal_keeps_how_often_it_was_tried():
    bench = scripted([Refusal("ServiceFailure", attempts=5)], [])
    assert Failed("ServiceFailure", 5) == bench.make()


def test_a_lost_answer_whose_effect_shows_late_is_not_taken_for_a_refusal():
    """The effect was not seen yet, the write was repeated, and AWS says "exists already": it is ours all the same."""
    bench = scripted([AnswerLost("timeout"), Refusal("EntityAlreadyExists")], [False, True])
    assert Applied("", attempts=2, unconfirmed=True) == bench.make(CreateGroup(ACCOUNT, GROUP, "/rollout/"))


def test_a_lost_removal_whose_effect_shows_late_is_not_taken_for_gone():
    bench = scripted([AnswerLost("timeout"), GONE], [False, True])
    change = DetachFromUser(ACCOUNT, a_ref(), POLICY)
    assert Applied("", attempts=2, unconfirmed=True) == bench.make(change)


def test_a_refusal_after_a_lost_answer_without_effect_is_a_refusal():
    bench = scripted([AnswerLost("timeout"), Refusal("AccessDenied")], [False, False])
    assert Failed("AccessDenied") == bench.make()


def test_what_would_be_made_twice_is_looked_for_patiently():
    """What may be repeated without harm is not waited for."""
    creations = (
        CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", BRAKE, {}),
        CreateVersion(ACCOUNT, POLICY, BRAKE),
        CreateGroup(ACCOUNT, GROUP, "/rollout/"),
    )
    for change in (*creations, MEMBERSHIP, AttachToGroup(ACCOUNT, GROUP, POLICY)):
        bench = scripted([AnswerLost("timeout")], [True])
        bench.make(change)
        assert isinstance(bench.account, Scripted)
        assert [change in creations] == bench.account.patience


@pytest.mark.parametrize(("age", "patient"), [(timedelta(seconds=2), True), (timedelta(hours=1), False)])
def test_only_what_was_intended_a_moment_ago_may_still_show(age, patient):
    bench = scripted([], [False])
    bench.clock.advance(age)
    bench.settle(CreateGroup(ACCOUNT, GROUP, "/rollout/"))
    assert isinstance(bench.account, Scripted)
    assert [patient] == bench.account.patience


def test_the_last_lost_answer_is_read_before_giving_up():
    bench = scripted([AnswerLost("timeout")] * 3, [False, False, True])
    assert Applied("", attempts=3, unconfirmed=True) == bench.make()
    assert isinstance(bench.account, Scripted)
    assert [False, False, True] == bench.account.patience


def test_what_stood_there_already_is_journalled_and_never_ours():
    bench = Bench(GROUP)
    note_in_place(MEMBERSHIP, "rest", bench.run)
    intent, settled = bench.journal.kept[1:]
    assert ("present", AlreadyInPlace()) == (getattr(intent, "before", ""), getattr(settled, "outcome", None))
    assert [] == bench.account.attempted


def test_an_intent_left_open_whose_effect_is_there_is_ours():
    assert Applied("", unconfirmed=True) == Bench(GROUP).settle(MEMBERSHIP)


def test_an_intent_left_open_whose_effect_is_not_there_was_not_made():
    outcome = Bench().settle(MEMBERSHIP)
    assert Skipped(SkipCode.NOT_MADE, "the run ended before this was written") == outcome


def test_an_intent_left_open_about_something_found_there_is_not_ours():
    assert AlreadyInPlace() == Bench(GROUP).settle(MEMBERSHIP, before="present")


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (RemoveMember(ACCOUNT, GROUP, a_ref()), Applied("", unconfirmed=True)),
        (CreateGroup(ACCOUNT, GROUP, "/rollout/"), Applied("", unconfirmed=True)),
        (
            AttachToGroup(ACCOUNT, GROUP, POLICY),
            Skipped(SkipCode.NOT_MADE, "the run ended before this was written"),
        ),
        (
            CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", BRAKE, {}),
            Skipped(SkipCode.NOT_MADE, "the run ended before this was written"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_kind_of_change_can_be_settled(change, outcome):
    assert outcome == Bench().settle(change)


def test_a_version_that_is_not_the_default_any_more_was_made():
    """A release pulled the brake before anybody settled: the version is there, and ours."""
    bench = Bench()
    bench.account.facts = a_policy_of(BRAKE, FULL)
    assert Applied("", unconfirmed=True) == bench.settle(CreateVersion(ACCOUNT, POLICY, FULL))
    assert isinstance(bench.settle(CreateVersion(ACCOUNT, POLICY, OTHER_DOCUMENT)), Skipped)


def test_a_version_like_one_from_before_tells_nothing():
    bench = Bench()
    bench.account.facts = a_policy_of(BRAKE, FULL)
    before = (a_run("first"), *a_change(CreateVersion(ACCOUNT, POLICY, FULL), run="first"))
    outcome = bench.settle(CreateVersion(ACCOUNT, POLICY, FULL), earlier=before)
    assert Skipped(SkipCode.NOT_MADE, "the run ended before this was written") == outcome


def a_policy_of(default: Mapping[str, object], *others: Mapping[str, object]) -> AccountFacts:
    """An account that holds our policy with a version of each document."""
    facts = effects.after(facts_of(), CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", default, {}))
    for document in others:
        facts = effects.after(facts, CreateVersion(ACCOUNT, POLICY, document))
    return effects.after(facts, SetDefaultVersion(ACCOUNT, POLICY, "v1"))


def test_settling_writes_nothing():
    bench = Bench()
    bench.settle(MEMBERSHIP)
    assert [] == bench.account.attempted
