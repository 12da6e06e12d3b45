"""What of an account a verdict can turn on, worked out once per account and not once per user."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.people.inventory import Observed
from rollout.domain.policy.standing import Standing, stand
from rollout.domain.verdicts.answers import Examiner
from rollout.domain.verdicts.requests import World
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import Rules


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One observed account beside our documents and what stands there under our names."""

    observed: Observed
    standing: Standing
    library: Library
    examiner: Examiner
    without: frozenset[str] = field(default_factory=frozenset)


def surroundings(
    observed: Observed,
    rules: Rules,
    library: Library,
    now: datetime,
    ours: frozenset[str] = frozenset(),
) -> Surroundings:
    """Prepare an account for judging. `ours`: the groups that the journal knows to be ours."""
    documents = rules.documents
    if observed.account.id == rules.management_account_id:
        # SCPs never reach the management account, read or unread (aws-facts.md#organizations).
        observed = replace(observed, scps=())
    standing = stand(observed.facts, observed.account.id, rules.partition, rules.names, documents, ours)
    world = World(rules.partition, rules.organization_id, now, rules.context)
    force_mfa = library.parse(documents.full, rules.names.policy)
    return Surroundings(observed, standing, library, Examiner(world, force_mfa, library), standing.ours)
