"""Takes down, change by change, what this tool made in each account, tried to make, and attached."""

from __future__ import annotations

from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    CreateGroup,
    CreatePolicy,
    DeleteGroup,
    DeletePolicy,
    DetachFromGroup,
    DetachFromUser,
    Failed,
    SkipCode,
    Skipped,
)
from rollout.domain.policy.made import Made
from rollout.domain.progress.owned import Done, key_of
from rollout.domain.progress.records import Intent

TAKEN = "EntityAlreadyExists"
"""AWS's error code where somebody else has made a policy or group of the name before us."""


def note_attempt(made: dict[str, Made], intent: Intent) -> None:
    """Take down that a policy or a group is about to be made: it may be there later, whatever the run learns."""
    attempt = intent.run, intent.number
    match intent.change:
        case CreatePolicy(account_id=account, policy_arn=arn, tags=tags):
            made.setdefault(account, Made()).tried.setdefault(arn, {})[attempt] = tags
        case CreateGroup(account_id=account, group=group):
            made.setdefault(account, Made()).tried_groups.setdefault(group, set()).add(attempt)
        case _:
            pass


def note_made(made: dict[str, Made], done: Done) -> None:
    """Take down what came of a change."""
    here = made.setdefault(done.intent.change.account_id, Made())
    match done.outcome:
        case Applied(made=new_id):
            _make(here, done, new_id)
            _unmake(here, done)
        case AlreadyInPlace():
            if not isinstance(done.intent.change, AttachToUser | CreatePolicy | CreateGroup):
                _make(here, done, "")
            _unmake(here, done)
        case Failed(why=why, code=code) if code == TAKEN or TAKEN in why:
            _forget(here, done)
        case Skipped(code=SkipCode.GONE):
            _unmake(here, done)
        case Failed() | Skipped() | None:
            pass


def _make(here: Made, done: Done, new_id: str) -> None:
    match done.intent.change:
        case CreatePolicy(policy_arn=arn):
            here.policies[arn] = new_id
            here.tried.pop(arn, None)
        case CreateGroup(group=group):
            here.groups[group] = new_id
            here.tried_groups.pop(group, None)
        case AttachToGroup(group=group, policy_arn=arn) as change:
            here.groups.setdefault(group, "")
            here.attached[key_of(change) or ()] = arn
            here.ever_attached.add(arn)
        case AttachToUser(policy_arn=arn) as change:
            here.attached[key_of(change) or ()] = arn
            here.ever_attached.add(arn)
        case _:
            pass


def _unmake(here: Made, done: Done) -> None:
    match done.intent.change:
        case DeletePolicy(policy_arn=arn):
            here.policies.pop(arn, None)
        case DeleteGroup(group=group):
            here.groups.pop(group, None)
        case DetachFromGroup() | DetachFromUser() as change if not done.to_return:
            here.attached.pop(key_of(change) or (), None)
        case _:
            pass


def _forget(here: Made, done: Done) -> None:
    attempt = done.intent.run, done.intent.number
    match done.intent.change:
        case CreatePolicy(policy_arn=arn):
            here.tried.get(arn, {}).pop(attempt, None)
        case CreateGroup(group=group):
            here.tried_groups.get(group, set()).discard(attempt)
        case _:
            pass
