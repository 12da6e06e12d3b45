"""Makes one change at a time: intent first, then the write, then its outcome; a lost answer is read, not repeated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from rollout.domain.actions.writes import document_of, taking_back
from rollout.domain.iam import equal_documents
from rollout.domain.people.users import User
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    Failed,
    Outcome,
    SkipCode,
    Skipped,
)
from rollout.domain.progress.projection import Done, Progress, settled_in
from rollout.domain.progress.records import (
    Before,
    Intent,
    Settled,
)
from rollout.workflows.ports import AnswerLost, OpenAccount, Refusal
from rollout.workflows.run_context import RunContext

TRIES_AFTER_LOST_ANSWERS = 3
MADE_ONCE = (CreatePolicy, CreateVersion, CreateGroup)
"""What is there twice when it is made twice, or refused as if somebody else had made it; all else may be repeated."""
SHOWN_SINCE = timedelta(minutes=1)
"""What AWS does not show after this long, is not there."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A user was placed, and it is still to be seen whether it was the right one: IAM goes by the name alone."""

    change: AddMember | AttachToUser
    wave: str
    number: int
    outcome: Applied
    about: User | None


def write(
    change: Change,
    account: OpenAccount,
    wave: str,
    run: RunContext,
    about: User | None = None,
    *,
    to_return: bool = False,
) -> Outcome:
    """Make a change that was not in place when the account was read a moment ago.

    `about` is the user who is to get something: where they are there, a "not found" is a failure and nobody is gone.
    `to_return`: whom it takes out comes back later.
    """
    made = begin(change, account, wave, run, about, to_return=to_return)
    return settle_made(made, account, run) if isinstance(made, Unsettled) else made


def begin(
    change: Change,
    account: OpenAccount,
    wave: str,
    run: RunContext,
    about: User | None = None,
    *,
    to_return: bool = False,
) -> Outcome | Unsettled:
    """Make a change as `write` does, and leave open whom it has reached where it places a user: see `settle_made`."""
    number = run.next_number()
    run.journal.append(Intent(run.id, run.now(), number, change, Before.ABSENT, wave, to_return))
    outcome = _attempt(change, account, about)
    if isinstance(outcome, Applied) and isinstance(change, AddMember | AttachToUser):
        return Unsettled(change, wave, number, outcome, about)
    run.journal.append(Settled(run.id, run.now(), run.id, number, outcome))
    return outcome


def settle_made(made: Unsettled, account: OpenAccount, run: RunContext, *, reached: bool = False) -> Outcome:
    """Journal what came of a placing; unless it is known to have `reached` the right user, look who has the name.

    Who only has the name is taken out again. Raises CannotEnter.
    """
    namesake = None if reached else namesake_taken_out(made.change, account, made.wave, run)
    outcome: Outcome = namesake or made.outcome
    run.journal.append(Settled(run.id, run.now(), run.id, made.number, outcome))
    return outcome


def namesake_taken_out(
    change: Change, account: OpenAccount, wave: str, run: RunContext
) -> Failed | Skipped | None:
    """Take out again whom a placing reached in place of the user it was for: IAM goes by the name alone.

    None when nobody else has the name.
    """
    if not isinstance(change, AddMember | AttachToUser):
        return None
    other = account.user_named(change.user.name)
    if other is None or other.id == change.user.id:
        return None
    for undoing in taking_back(replace(change, user=other), None, ()):
        undone = write(undoing, account, wave, run)
        if isinstance(undone, Failed):
            return replace(
                undone, why=f"{other.id} now has this name and was enforced by mistake: {undone.why}"
            )
    return Skipped(
        SkipCode.GONE, f"the name belongs to another user now, {other.id}, who was taken out again"
    )


def note_in_place(change: Change, wave: str, run: RunContext) -> None:
    """Journal that the effect of a change was already in place; it is never undone."""
    number, now = run.next_number(), run.now()
    run.journal.append(
        Intent(run.id, now, number, change, Before.PRESENT, wave),
        Settled(run.id, now, run.id, number, AlreadyInPlace()),
    )


def settle_account(account_id: str, account: OpenAccount, progress: Progress, run: RunContext) -> Progress:
    """Settle what runs that died left open in an account, and answer what the journal says then."""
    left_open = [done for done in progress.open if done.intent.change.account_id == account_id]
    settled = [settle(done, account, progress, run) for done in left_open]
    # The journal of a large organization takes seconds to read, and many accounts may have been under way.
    return settled_in(progress, account_id, settled) if settled else progress


def settle(done: Done, account: OpenAccount, progress: Progress, run: RunContext) -> Settled:
    """Settle an intent that an earlier run left open when it died, by looking at what AWS holds."""
    intent = done.intent
    may_show_late = isinstance(intent.change, MADE_ONCE) and run.now() - intent.at < SHOWN_SINCE
    outcome: Outcome
    if intent.before is Before.PRESENT:
        outcome = AlreadyInPlace()
    elif account.holds(intent.change, patiently=may_show_late) or _was_set_aside(
        intent.change, account, progress
    ):
        outcome = namesake_taken_out(intent.change, account, intent.wave, run) or Applied(
            "", unconfirmed=True
        )
    else:
        outcome = Skipped(SkipCode.NOT_MADE, "the run ended before this was written")
    settled = Settled(run.id, run.now(), intent.run, intent.number, outcome)
    run.journal.append(settled)
    return settled


def _was_set_aside(change: Change, account: OpenAccount, progress: Progress) -> bool:
    """Tell whether a version was made that is no longer the default: a release may have pulled the brake since.

    A document that an earlier version of ours brought tells nothing: that may be the one which is there.
    """
    if not isinstance(change, CreateVersion):
        return False
    earlier = progress.owned.versions.get(change.policy_arn, [])
    if any(equal_documents(document_of(done), change.document) for done in earlier):
        return False
    policy = account.policy(change.policy_arn)
    versions = policy.versions if policy else ()
    return any(equal_documents(version.document, change.document) for version in versions)


def _attempt(change: Change, account: OpenAccount, about: User | None) -> Outcome:
    why = ""
    for attempt in range(1, TRIES_AFTER_LOST_ANSWERS + 1):
        patiently = isinstance(change, MADE_ONCE) or attempt == TRIES_AFTER_LOST_ANSWERS
        try:
            receipt = account.make(change)
        except AnswerLost as lost:
            if account.holds(change, patiently=patiently):
                return Applied("", attempts=attempt, unconfirmed=True)
            why = str(lost)
        except Refusal as refusal:
            if why and account.holds(change, patiently=patiently):
                # The lost one came through after all: this refusal is about its effect (EntityAlreadyExists, say).
                return Applied("", attempts=attempt, unconfirmed=True)
            if refusal.gone and not _is_there(about, account):
                return Skipped(SkipCode.GONE, refusal.why)
            return Failed(refusal.why, refusal.attempts, refusal.code, refusal.request_id, refusal.cure)
        else:
            return Applied(receipt.request_id, receipt.attempts, made=receipt.made)
    return Failed(f"no answer after {TRIES_AFTER_LOST_ANSWERS} tries: {why}", TRIES_AFTER_LOST_ANSWERS)


def _is_there(user: User | None, account: OpenAccount) -> bool:
    # AWS's answer to the write does not say what is missing: the user, the group or the policy.
    if user is None:
        return False
    there = account.user_named(user.name)
    return there is not None and there.id == user.id
