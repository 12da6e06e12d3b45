"""The promise: any kill at any moment loses nothing, does nothing twice, and the next run knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import AlreadyInPlace, Applied, Change
from rollout.domain.progress.history import History
from rollout.domain.progress.projection import Done
from rollout.domain.progress.records import Intent, Record, RunStarted, Settled
from rollout.domain.progress.stages import Stage
from tests.kill.server import Write

Key = tuple[str, ...]
OPERATIONS = {
    "CreatePolicy": "CreatePolicy",
    "CreateVersion": "CreatePolicyVersion",
    "SetDefaultVersion": "SetDefaultPolicyVersion",
    "DeleteVersion": "DeletePolicyVersion",
    "DeletePolicy": "DeletePolicy",
    "CreateGroup": "CreateGroup",
    "DeleteGroup": "DeleteGroup",
    "AttachToGroup": "AttachGroupPolicy",
    "DetachFromGroup": "DetachGroupPolicy",
    "AddMember": "AddUserToGroup",
    "RemoveMember": "RemoveUserFromGroup",
    "AttachToUser": "AttachUserPolicy",
    "DetachFromUser": "DetachUserPolicy",
}
WRITES_PER_ACCOUNT = 10


def key_of(change: Change) -> Key:
    """Name a change as the server names the write."""
    user = getattr(change, "user", None)
    named = (
        getattr(change, "policy_arn", ""),
        getattr(change, "version_id", ""),
        getattr(change, "group", ""),
        user.name if isinstance(user, UserRef) else "",
    )
    return (change.account_id, OPERATIONS[type(change).__name__], *(name for name in named if name))


def key_of_write(write: Write) -> Key:
    """Name a write."""
    return (write.account, write.operation, *write.target)


def changes_of(progress: History, command: str, stage: Stage) -> list[Done]:
    """The changes of all runs of a command."""
    return [
        done for done in progress.changes if done.started.command == command and done.started.stage is stage
    ]


def nothing_is_lost_or_done_twice(writes: Sequence[Write], changes: Sequence[Done]) -> None:
    """Every write that changed something stands in the journal exactly once, as made, and nothing else does."""
    effects = Counter(key_of_write(write) for write in writes if write.effect)
    twice = [key for key, times in effects.items() if times > 1]
    assert [] == twice
    applied = Counter(key_of(done.intent.change) for done in changes if isinstance(done.outcome, Applied))
    lost, invented = effects - applied, applied - effects
    assert Counter() == lost, f"written, and not in the journal: {lost}"
    assert Counter() == invented, f"in the journal, and never written: {invented}"
    # Not only those with an effect: an answer may be to the second of two, when the first came late.
    by_id = {write.request_id: key_of_write(write) for write in writes if write.request_id}
    for done in changes:
        if isinstance(done.outcome, Applied) and not done.outcome.unconfirmed:
            assert key_of(done.intent.change) == by_id[done.outcome.request_id]


def every_intent_has_one_outcome(records: Sequence[Record]) -> None:
    """No intent is left open, and none was settled by two runs."""
    intents = [(record.run, record.number) for record in records if isinstance(record, Intent)]
    assert len(set(intents)) == len(intents), "two changes of one number"
    outcomes = Counter((record.of, record.number) for record in records if isinstance(record, Settled))
    assert dict.fromkeys(intents, 1) == dict(outcomes)
    started = Counter(record.run for record in records if isinstance(record, RunStarted))
    assert {1} == set(started.values())


def nothing_was_taken_for_somebody_elses(changes: Sequence[Done]) -> None:
    """What stood there already is never ours to undo: a write of a dead run must not be taken for such."""
    assert [] == [key_of(done.intent.change) for done in changes if isinstance(done.outcome, AlreadyInPlace)]


def few_writes_were_needed(writes: Sequence[Write]) -> None:
    """At most one for each user and ten for each account had an effect."""
    users = Counter(key_of_write(write) for write in writes if write.effect and _is_about_user(write))
    accounts = Counter(write.account for write in writes if write.effect and not _is_about_user(write))
    assert max(users.values()) <= 1
    assert max(accounts.values()) <= WRITES_PER_ACCOUNT


def _is_about_user(write: Write) -> bool:
    return "User" in write.operation
