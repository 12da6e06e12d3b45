"""What is to be put right in an account: when a release ends, and when `verify --fix` is asked to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rollout.domain.force_mfa.placing import Target
from rollout.domain.force_mfa.standing import State
from rollout.domain.reach import Reach
from rollout.domain.releases import Brake, account_release, brake_of, user_release
from rollout.domain.repairs import Wishes
from rollout.domain.sight import Sight
from rollout.domain.users import User


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


def when_ended(sight: Sight, reach: Reach) -> tuple[Wishes, tuple[Stays, ...]]:
    """Put back everybody inside the reach of an end, whoever let them out; who is unfit stays out."""
    coming = [
        one
        for one in out(sight)
        if reach.takes(sight.account_id, one.user.id, one.wave) and not _held(sight, one)
    ]
    lift = reach.takes_account(sight.account_id) and is_braked(sight)
    return _with_targets(sight, Wishes(lift=lift), coming)


def to_fix(
    sight: Sight, *, memberships: bool, gone_back: Collection[str] = ()
) -> tuple[Wishes, tuple[Stays, ...]]:
    """Put right what has drifted from the plan. Who was taken out by hand comes back only with `memberships`.

    `gone_back`: UserIds that the plan no longer enforces; they stay out.
    """
    over = [
        one
        for one in out(sight)
        if (one.by_us or memberships) and not _held(sight, one) and one.user.id not in gone_back
    ]
    standing, brake = sight.site.standing, brake_of(sight.site.standing.policy.found)
    released = account_release(sight.words, sight.account_id, sight.now) is not None
    ours = standing.policy.state is State.OURS
    wishes = Wishes(
        lift=sight.site.release_over and is_braked(sight),
        document=ours and brake is Brake.OFF and not standing.policy.current and not released,
        hang=is_unhung(sight) and not released,
        tidy=tuple(user for user in sight.facts.users if user.has_device),
    )
    return _with_targets(sight, wishes, over)


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


def _held(sight: Sight, one: Out) -> bool:
    """Tell whether a release that still lasts lets this user out."""
    return user_release(sight.words, sight.account_id, one.user.id, one.wave, sight.now) is not None


def _with_targets(sight: Sight, wishes: Wishes, coming: list[Out]) -> tuple[Wishes, tuple[Stays, ...]]:
    targets, stay = [], []
    for one in coming:
        verdict = sight.verdict(one.user)
        if sight.is_fit(one.user) and verdict.via is not None:
            targets.append(Target(one.user, verdict.via))
        else:
            why = "; ".join(f"{reason.code}: {reason.detail}" for reason in verdict.reasons)
            stay.append(Stays(one.user.arn, f"is {verdict.kind} now: {why}"))
    wishes = Wishes(wishes.lift, wishes.document, wishes.hang, tuple(targets), wishes.tidy)
    return wishes, tuple(stay)
