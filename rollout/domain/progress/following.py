"""Follows a change that was made to what users are under."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    DeletePolicy,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.domain.progress.owned import Done, is_rehearsal
from rollout.domain.progress.progress import KnownEnforcement, Placed, Progress
from rollout.domain.progress.records import (
    DeliverySeen,
    Enforcement,
    ProofIntent,
    ProofRemoved,
    ProofSettled,
    Proved,
    Reminded,
    Sending,
    Told,
)
from rollout.domain.progress.releases import RELEASE_END, ROLLBACK, ToReturn

_BACK_WITH_THE_POLICY = frozenset({Enforcement.BRAKE_PULLED, Enforcement.WITHOUT_EFFECT})
_BACK_AT_THE_END_OF_A_RELEASE = _BACK_WITH_THE_POLICY | {Enforcement.LET_OUT, Enforcement.ENFORCED}


def know(progress: Progress, known: KnownEnforcement) -> None:
    """Keep what was last learned about a user."""
    progress.known.setdefault(known.user.account_id, {})[known.user.id] = known


def follow_message(progress: Progress, record: Sending | Told | Reminded | DeliverySeen) -> None:
    """Follow a message from before it is sent to what its channel says of it later."""
    match record:
        case Sending(users=users):
            progress.in_doubt |= dict.fromkeys(users, record)
        case Told(user=user):
            progress.in_doubt.pop(user.id, None)
            progress.notices[user.id] = record
            progress.waves_told.add(record.wave)
            progress.reminded.pop(user.id, None)
        case Reminded(user=user):
            progress.in_doubt.pop(user.id, None)
            progress.reminded.setdefault(user.id, []).append(record)
        case DeliverySeen(user=user, message_id=message_id):
            told = progress.notices.get(user.id)
            if told is not None and told.message_id == message_id:
                progress.notices[user.id] = seen_to_arrive(told, record)


def seen_to_arrive(told: Told, seen: DeliverySeen) -> Told:
    """Return a notice with what its channel said of it later; a bounce that is on record stands."""
    if told.delivery.failed and not seen.delivery.failed:
        return told
    return replace(told, delivery=seen.delivery, detail=seen.detail or told.detail)


def follow(progress: Progress, done: Done, at: datetime, *, applied: bool) -> None:
    """Follow a change that stands now; `applied`: by this very write. Changes about enrolment enforce nothing."""
    releases, change = progress.releases, done.intent.change
    match change:
        case AddMember(account_id=account, group=group, user=user):
            policy = progress.policy_on.get((account, group))
            by = f"{policy} (group {group})" if policy else place_of(change)
            _put(progress, done, at, user, place_of(change), by)
        case AttachToUser(user=user, policy_arn=arn):
            _put(progress, done, at, user, arn, place_of(change))
        case DetachFromUser(user=user, policy_arn=arn) if _is_replaced(progress, user, arn):
            pass
        case RemoveMember(user=user) | DetachFromUser(user=user):
            _take_out(progress, done, at, user, applied=applied)
        case SetDefaultVersion() | CreateVersion() | DetachFromGroup() if done.to_return:
            releases.braked[change.account_id] = done.intent.run
            if not is_rehearsal(done):
                releases.braked_at[change.account_id] = at
        case SetDefaultVersion() | CreateVersion() | AttachToGroup() | DeletePolicy():
            was_braked = releases.braked.pop(change.account_id, None) is not None
            if isinstance(change, AttachToGroup):
                progress.policy_on[change.account_id, change.group] = _name_of(change.policy_arn)
            if not is_rehearsal(done):
                releases.braked_at.pop(change.account_id, None)
                if not isinstance(change, DeletePolicy):
                    ends = was_braked or done.started.command == RELEASE_END
                    _bring_back(progress, change.account_id, at, release_ends=ends)
        case _:
            pass


def _is_replaced(progress: Progress, user: UserRef, arn: str) -> bool:
    """Tell whether a policy was detached in whose place another one has been attached to the user."""
    placed = progress.placed.get(user.id)
    return placed is not None and placed.by.startswith("arn:") and placed.by != arn


def _put(progress: Progress, done: Done, at: datetime, user: UserRef, place: str, by: str) -> None:
    placed = progress.placed.setdefault(user.id, Placed(at, done.intent.wave, place, user))
    if placed.by.startswith("arn:") and place.startswith("arn:"):
        progress.placed[user.id] = placed = replace(placed, by=place)
    progress.releases.to_return.pop(user.id, None)
    if not is_rehearsal(done):
        plan = done.started.plan_id
        know(progress, KnownEnforcement(user, at, Enforcement.ENFORCED, placed.wave, by, plan))


def _take_out(progress: Progress, done: Done, at: datetime, user: UserRef, *, applied: bool) -> None:
    wave = done.intent.wave
    progress.releases.deadlocked.pop(user.id, None)
    progress.placed.pop(user.id, None)
    if done.to_return:
        progress.releases.to_return[user.id] = ToReturn(user, wave, at)
    else:
        progress.releases.to_return.pop(user.id, None)
        # A release is meant to end, and notices from before it still count then.
        leave_alone(progress, user.id, at)
    if done.started.command == ROLLBACK:
        progress.rolled_back[wave] = max(at, progress.rolled_back.get(wave, at))
    if is_rehearsal(done):
        return
    before = progress.known.get(user.account_id, {}).get(user.id)
    by = before.by if before else place_of(done.intent.change) if applied else ""
    out = Enforcement.RELEASED if done.to_return else Enforcement.UNDONE
    wave = wave or (before.wave if before else "")
    know(progress, KnownEnforcement(user, at, out, wave, by, done.started.plan_id))


def leave_alone(progress: Progress, user_id: str, until: datetime) -> None:
    """Note until when a user was left alone on purpose; what is known of later stays."""
    known = progress.left_alone_until
    known[user_id] = max(until, known.get(user_id, until))


def _bring_back(progress: Progress, account_id: str, at: datetime, *, release_ends: bool) -> None:
    """Note that the policy is in force again for users who never left the group."""
    users = progress.known.get(account_id, {})
    back = _BACK_AT_THE_END_OF_A_RELEASE if release_ends else _BACK_WITH_THE_POLICY
    for user_id, known in users.items():
        if known.enforcement in back and user_id in progress.placed:
            users[user_id] = replace(known, at=at, enforcement=Enforcement.ENFORCED)


def place_of(change: Change) -> str:
    """Name the group or the policy of a change about a user; empty for other changes."""
    match change:
        case AddMember() | RemoveMember():
            return f"group {change.group}"
        case AttachToUser() | DetachFromUser():
            return f"{_name_of(change.policy_arn)} (attached to the user)"
        case _:
            return ""


def _name_of(policy_arn: str) -> str:
    return policy_arn.rsplit("/", 1)[-1]


def follow_proof(progress: Progress, record: ProofIntent | ProofSettled | ProofRemoved | Proved) -> None:
    """Note what a proof came to, and where something of it may still stand."""
    match record:
        case ProofIntent():
            progress.proofs_begun[record.proof] = record.account_id
        case ProofRemoved():
            progress.proofs_begun.pop(record.proof, None)
        case Proved():
            progress.proofs.append(record)
        case ProofSettled():
            pass  # only people read it
