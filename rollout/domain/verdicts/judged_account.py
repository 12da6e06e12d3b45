"""Prepares what verdicts need to know of an account, once per account and not once per user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.domain.people.observations import AccountFacts, Observed
from rollout.domain.people.organization import Account
from rollout.domain.people.sign_in import Weighing
from rollout.domain.people.users import NamedPolicy, User
from rollout.domain.policy.force_mfa import LEFT_OPEN_BY_SWITCHES
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_resources import OurResources, our_resources
from rollout.domain.verdicts.answers import Examiner
from rollout.domain.verdicts.requests import RequestEnvironment
from rollout.domain.verdicts.rights import Library, UserRights, rights_of
from rollout.domain.verdicts.rules import DecisionRules


@dataclass(frozen=True, slots=True)
class JudgedAccount:
    """One account as it was read, with what is ours there, what the journal says was made, and the rules to judge by.

    `scps` has one tuple per level, the root first; None if they could not be read.
    """

    account: Account
    role: str
    facts: AccountFacts
    scps: tuple[tuple[NamedPolicy, ...], ...] | None
    ours: OurResources
    made: Made
    rules: DecisionRules
    now: datetime
    library: Library
    examiner: Examiner

    def rights_of(self, user: User) -> UserRights:
        """Gather every policy that applies to a user, our own included."""
        return rights_of(user, self.facts, self.scps, self.library)

    def rights_without_us(self, user: User) -> UserRights:
        """Gather every policy that applies to a user, except our own."""
        return rights_of(user, self.facts, self.scps, self.library, self.ours.names)


def judged_account(
    observed: Observed, rules: DecisionRules, library: Library, now: datetime, made: Made
) -> JudgedAccount:
    """Prepare an account for judging; `made` is what the journal says about this account."""
    account, facts, documents = observed.account, observed.facts, rules.documents
    # SCPs never apply to the management account (aws-facts.md#organizations).
    scps = () if account.id == rules.management_account_id else observed.scps
    world = RequestEnvironment(rules.partition, rules.organization_id, now, rules.context)
    force_mfa = library.parse(documents.full, rules.names.policy)
    return JudgedAccount(
        account,
        observed.role,
        facts,
        scps,
        our_resources(facts, account.id, rules.partition, rules.names, documents, made),
        made,
        rules,
        now,
        library,
        Examiner(
            world,
            force_mfa,
            library,
            (*rules.covered_may_leave_open, *LEFT_OPEN_BY_SWITCHES),
            weighs_sign_in=facts.sign_in is not None and facts.sign_in.state is Weighing.ON,
        ),
    )
