"""What is to be put right in an account: when a release ends, and when `verify --fix` is asked to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rollout.domain.actions.letting_out import Brake, account_release, brake_of
from rollout.domain.actions.placing import Target
from rollout.domain.actions.repairs import Wishes
from rollout.domain.actions.sight import Sight
from rollout.domain.people.users import User
from rollout.domain.policy.standing import State
from rollout.domain.progress.release_scope import ReleaseScope


@dataclass(frozen=True, slots=True)
class Out:
    """A user who was under our policy and is not any more. `by_us`: a release took them out, nobody by hand."""

    user: User
    wave: str
    by_us: bool


@dataclass(frozen=True, slots=True)
class Stays:
    """Somebody who stays as they are, and why."""

    who: str
    why: str


def out(sight: Sight) -> Iterator[Out]:
    """Find who was put under our policy and is there no more, by a release or by somebody's hand."""
    names, arn = sight.site.names, sight.site.standing.policy.arn
    for user in sight.facts.users:
        if names.group in user.groups or arn in user.attached or sight.is_placed(user):
            continue
        returning = sight.progress.releases.returning.get(user.id)
        placed = sight.progress.placed.get(user.id)
        if returning is not None:
            yield Out(user, returning.wave, by_us=True)
        elif placed is not None:
            yield Out(user, placed.wave, by_us=False)


def when_ended(sight: Sight, release_scope: ReleaseScope) -> tuple[Wishes, tuple[Stays, ...]]:
    """Put back everybody inside the reach of an end, whoever let them out; who is unfit stays out."""
    coming = [
        one
        for one in out(sight)
        if release_scope.takes(sight.account_id, one.user.id, one.wave) and not sight.is_let_out(one.user)
    ]
    whole = release_scope.takes_account(sight.account_id)
    lift, known = whole and is_braked(sight), sight.site.standing.policy.arn in sight.progress.policies_made
    wishes, stay = _with_targets(sight, Wishes(lift=lift and known, hang=whole and is_unhung(sight)), coming)
    if lift and not known:
        stay = (*stay, Stays(sight.site.standing.policy.arn, "the journal of this store knows nothing of it"))
    return wishes, stay


def to_fix(sight: Sight, decided: Collection[str], *, memberships: bool) -> tuple[Wishes, tuple[Stays, ...]]:
    """Put right what has drifted from the plan; `decided` holds the UserIds that it enforces.

    Who was taken out by hand comes back only with `memberships`. A policy that the journal does not know is left alone.
    """
    coming = [
        one
        for one in out(sight)
        if (one.by_us or memberships) and one.user.id in decided and not sight.is_let_out(one.user)
    ]
    policy = sight.site.standing.policy
    mine = policy.arn in sight.progress.policies_made
    released = account_release(sight.words, sight.account_id, sight.now) is not None
    missing = policy.state is State.ABSENT and is_unhung(sight)
    edited = policy.state is State.OURS and brake_of(policy.found) is Brake.OFF and not policy.current
    wishes = Wishes(
        lift=sight.site.release_over and is_braked(sight),
        document=mine and (edited or missing) and not released,
        hang=is_unhung(sight) and not released,
        tidy=tuple(user for user in sight.facts.users if user.has_device),
    )
    return _with_targets(sight, wishes, coming)


def is_braked(sight: Sight) -> bool:
    """Tell whether our policy stands and denies nothing to those who are attached."""
    policy = sight.site.standing.policy
    pulled = policy.state is State.OURS and brake_of(policy.found) is Brake.PULLED
    return pulled and bool(sight.site.attached)


def is_unhung(sight: Sight) -> bool:
    """Tell whether people that this tool enforced are in our group, and the policy does not hang there."""
    standing = sight.site.standing
    if standing.group is not State.OURS or standing.policy.arn in standing.group_has:
        return False
    return any(user.id in sight.progress.placed for user in sight.members)


def _with_targets(sight: Sight, wishes: Wishes, coming: list[Out]) -> tuple[Wishes, tuple[Stays, ...]]:
    targets, stay = [], []
    for one in coming:
        verdict = sight.verdict(one.user)
        if sight.is_fit(one.user) and verdict.attachment is not None:
            targets.append(Target(one.user, verdict.attachment))
        else:
            why = "; ".join(f"{reason.code}: {reason.detail}" for reason in verdict.reasons)
            stay.append(Stays(one.user.arn, f"is {verdict.kind} now: {why}"))
    wishes = Wishes(wishes.lift, wishes.document, wishes.hang, tuple(targets), wishes.tidy)
    return wishes, tuple(stay)
