"""One change at a time: intent, write, outcome; what is in doubt is read, never guessed.

See design.md#apply-journal-store.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta

import pytest

from rollout.aws.write import overlay
from rollout.domain.people.inventory import AccountFacts
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
from rollout.domain.progress.records import (
    Before,
    Intent,
    Record,
    Settled,
)
from rollout.domain.progress.replay import Done
from rollout.workflows.apply.maker import Maker, Numbering
from rollout.workflows.ports import AnswerLost, Refusal, WriteReceipt
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
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
from tests.fakes import FakeAccount, FakeClock, FakeJournal, Trouble
from tests.workflows.world import BRAKE, FULL, a_group

MEMBERSHIP = a_membership()
OTHER_DOCUMENT = {"Version": "2012-10-17", "Statement": []}
GONE = Refusal("NoSuchEntity: says the test", gone=True)


class Scene:
    """A maker beside an account with alice and an empty group."""

    def __init__(self, *groups: str) -> None:
        self.journal = FakeJournal([a_run()])
        self.clock = FakeClock(NOW)
        facts = facts_of(a_user("alice", groups=groups), groups=[a_group(GROUP, path="/rollout/")])
        self.account = FakeAccount(an_account(), facts, self.clock)
        self.maker = Maker("run-1", self.journal, self.clock, Numbering())

    def make(self, change: Change = MEMBERSHIP) -> Outcome:
        return self.maker.make(change, self.account, "rest")

    def settle(self, change: Change, before: str = "absent", earlier: tuple[Record, ...] = ()) -> Outcome:
        intent = an_intent(change, run="dead", number=7, before=before)
        self.maker.settle(Done(a_run("dead"), intent, None, None), self.account, a_progress(*earlier))
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


def scripted(script: list[Exception | None], visible: list[bool]) -> Scene:
    scene = Scene()
    account = Scripted(an_account(), facts_of(), scene.clock)
    account.script, account.visible, account.patience = script, visible, []
    scene.account = account
    return scene


def test_a_change_that_was_made_keeps_its_request_id_and_attempts():
    scene = scripted([None], [])
    assert Applied("request-9", attempts=2) == scene.make()
    intent, settled = scene.journal.kept[1:]
    assert intent == Intent("run-1", NOW, 1, MEMBERSHIP, Before.ABSENT, "rest")
    assert settled == Settled("run-1", NOW, "run-1", 1, Applied("request-9", attempts=2))


def test_intents_are_numbered_from_one():
    scene = Scene()
    for _ in range(3):
        scene.make()
    assert [1, 2, 3] == [record.number for record in scene.journal.kept if isinstance(record, Intent)]


def test_no_number_is_given_twice_to_threads():
    numbering, numbers, lock = Numbering(), list[int](), threading.Lock()

    def take():
        for _ in range(200):
            number = numbering.next()
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
    scene = Scene()
    scene.account.fail(trouble)
    assert outcome == scene.make()
    assert outcome == getattr(scene.journal.kept[-1], "outcome", None)


def test_a_refusal_keeps_how_often_it_was_tried():
    scene = scripted([Refusal("ServiceFailure", attempts=5)], [])
    assert Failed("ServiceFailure", 5) == scene.make()


def test_a_lost_answer_whose_effect_shows_late_is_not_taken_for_a_refusal():
    """The effect was not seen yet, the write was repeated, and AWS says "exists already": it is ours all the same."""
    scene = scripted([AnswerLost("timeout"), Refusal("EntityAlreadyExists")], [False, True])
    assert Applied("", attempts=2, unconfirmed=True) == scene.make(CreateGroup(ACCOUNT, GROUP, "/rollout/"))


def test_a_lost_removal_whose_effect_shows_late_is_not_taken_for_gone():
    scene = scripted([AnswerLost("timeout"), GONE], [False, True])
    change = DetachFromUser(ACCOUNT, a_ref(), POLICY)
    assert Applied("", attempts=2, unconfirmed=True) == scene.make(change)


def test_a_refusal_after_a_lost_answer_without_effect_is_a_refusal():
    scene = scripted([AnswerLost("timeout"), Refusal("AccessDenied")], [False, False])
    assert Failed("AccessDenied") == scene.make()


def test_what_would_be_made_twice_is_looked_for_patiently():
    """What may be repeated without harm is not waited for."""
    creations = (
        CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", BRAKE, {}),
        CreateVersion(ACCOUNT, POLICY, BRAKE),
        CreateGroup(ACCOUNT, GROUP, "/rollout/"),
    )
    for change in (*creations, MEMBERSHIP, AttachToGroup(ACCOUNT, GROUP, POLICY)):
        scene = scripted([AnswerLost("timeout")], [True])
        scene.make(change)
        assert isinstance(scene.account, Scripted)
        assert [change in creations] == scene.account.patience


@pytest.mark.parametrize(("age", "patient"), [(timedelta(seconds=2), True), (timedelta(hours=1), False)])
def test_only_what_was_intended_a_moment_ago_may_still_show(age, patient):
    scene = scripted([], [False])
    scene.clock.advance(age)
    scene.settle(CreateGroup(ACCOUNT, GROUP, "/rollout/"))
    assert isinstance(scene.account, Scripted)
    assert [patient] == scene.account.patience


def test_the_last_lost_answer_is_read_before_giving_up():
    scene = scripted([AnswerLost("timeout")] * 3, [False, False, True])
    assert Applied("", attempts=3, unconfirmed=True) == scene.make()
    assert isinstance(scene.account, Scripted)
    assert [False, False, True] == scene.account.patience


def test_what_stood_there_already_is_journalled_and_never_ours():
    scene = Scene(GROUP)
    scene.maker.note_present(MEMBERSHIP, "rest")
    intent, settled = scene.journal.kept[1:]
    assert ("present", AlreadyInPlace()) == (getattr(intent, "before", ""), getattr(settled, "outcome", None))
    assert [] == scene.account.attempted


def test_an_intent_left_open_whose_effect_is_there_is_ours():
    assert Applied("", unconfirmed=True) == Scene(GROUP).settle(MEMBERSHIP)


def test_an_intent_left_open_whose_effect_is_not_there_was_not_made():
    outcome = Scene().settle(MEMBERSHIP)
    assert Skipped(SkipCode.NOT_MADE, "the run ended before this was written") == outcome


def test_an_intent_left_open_about_something_found_there_is_not_ours():
    assert AlreadyInPlace() == Scene(GROUP).settle(MEMBERSHIP, before="present")


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
    assert outcome == Scene().settle(change)


def test_a_version_that_is_not_the_default_any_more_was_made():
    """A release pulled the brake before anybody settled: the version is there, and ours."""
    scene = Scene()
    scene.account.facts = a_policy_of(BRAKE, FULL)
    assert Applied("", unconfirmed=True) == scene.settle(CreateVersion(ACCOUNT, POLICY, FULL))
    assert isinstance(scene.settle(CreateVersion(ACCOUNT, POLICY, OTHER_DOCUMENT)), Skipped)


def test_a_version_like_one_from_before_tells_nothing():
    scene = Scene()
    scene.account.facts = a_policy_of(BRAKE, FULL)
    before = (a_run("first"), *a_change(CreateVersion(ACCOUNT, POLICY, FULL), run="first"))
    outcome = scene.settle(CreateVersion(ACCOUNT, POLICY, FULL), earlier=before)
    assert Skipped(SkipCode.NOT_MADE, "the run ended before this was written") == outcome


def a_policy_of(default: Mapping[str, object], *others: Mapping[str, object]) -> AccountFacts:
    """An account that holds our policy with a version of each document."""
    facts = overlay.after(facts_of(), CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", default, {}))
    for document in others:
        facts = overlay.after(facts, CreateVersion(ACCOUNT, POLICY, document))
    return overlay.after(facts, SetDefaultVersion(ACCOUNT, POLICY, "v1"))


def test_settling_writes_nothing():
    scene = Scene()
    scene.settle(MEMBERSHIP)
    assert [] == scene.account.attempted
