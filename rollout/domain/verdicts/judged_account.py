"""What of an account a verdict can turn on, worked out once per account and not once per user."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.people.inventory import AccountFacts, Observed
from rollout.domain.people.organization import Account
from rollout.domain.people.users import NamedPolicy, User
from rollout.domain.policy.our_resources import OurResources, our_resources
from rollout.domain.verdicts.answers import Examiner
from rollout.domain.verdicts.requests import World
from rollout.domain.verdicts.rights import Library, Rights, rights_of
from rollout.domain.verdicts.rules import Rules


@dataclass(frozen=True, slots=True)
class JudgedAccount:
    """One account as it was read, with what stands there under our names, and the rules to judge it by.

    `scps` has one tuple a level, root first; None: they could not be read.
    """

    account: Account
    role: str
    facts: AccountFacts
    scps: tuple[tuple[NamedPolicy, ...], ...] | None
    ours: OurResources
    rules: Rules
    now: datetime
    library: Library
    examiner: Examiner

    def rights_of(self, user: User) -> Rights:
        """Gather everything that binds a user, our own policies included."""
        return rights_of(user, self.facts, self.scps, self.library)

    def rights_without_us(self, user: User) -> Rights:
        """Gather what would bind a user if our own policies were absent."""
        return rights_of(user, self.facts, self.scps, self.library, self.ours.names)


def judged_account(
    observed: Observed, rules: Rules, library: Library, now: datetime, known: Collection[str] = ()
) -> JudgedAccount:
    """Prepare an account for judging. `known`: names of groups that the journal knows to be ours."""
    account, facts, documents = observed.account, observed.facts, rules.documents
    # SCPs never reach the management account, read or unread (aws-facts.md#organizations).
    scps = () if account.id == rules.management_account_id else observed.scps
    world = World(rules.partition, rules.organization_id, now, rules.context)
    force_mfa = library.parse(documents.full, rules.names.policy)
    return JudgedAccount(
        account,
        observed.role,
        facts,
        scps,
        our_resources(facts, account.id, rules.partition, rules.names, documents, known),
        rules,
        now,
        library,
        Examiner(world, force_mfa, library),
    )
