"""Finds writes of our own that AWS shows and whose outcome is not on record: a run died, or is still under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollout.domain.drift.drift_kinds import Drift, Drifted, drift
from rollout.domain.people.observations import Observed
from rollout.domain.policy.changes import Applied, name, user_of
from rollout.domain.policy.effects import is_in_effect
from rollout.domain.progress.owned import Done
from rollout.domain.progress.progress import Progress
from rollout.domain.progress.projection import settled_in
from rollout.domain.progress.records import Before, Settled


def unsettled_writes(observed: Observed, progress: Progress) -> Sequence[Done]:
    """List the intents without an outcome whose effect was not there before, and is in this account now."""
    return tuple(
        done
        for done in progress.open
        if done.intent.change.account_id == observed.account.id
        and done.intent.before is Before.ABSENT
        and is_in_effect(observed.facts, done.intent.change)
    )


def as_settled(account_id: str, unsettled: Sequence[Done], progress: Progress) -> Progress:
    """Go by these writes as the next run of `apply`, `verify --fix` or `rollback` will settle them."""
    outcome = Applied("", unconfirmed=True)
    intents = (done.intent for done in unsettled)
    settled = [Settled(one.run, one.at, one.run, one.number, outcome) for one in intents]
    return settled_in(progress, account_id, settled) if settled else progress


def about_unsettled(unsettled: Sequence[Done]) -> Iterator[Drift]:
    """Report each of them."""
    for done in unsettled:
        intent, change = done.intent, done.intent.change
        user = user_of(change)
        _, what, *about = name(change).split(" ")
        detail = f"{what} by run {intent.run}, begun {intent.at:%Y-%m-%d %H:%M} UTC"
        yield drift(Drifted.UNSETTLED_WRITE, change.account_id, user.arn if user else " ".join(about), detail)
