"""Everything about one user that a judgement weighs, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.domain.addresses import address_of
from rollout.domain.force_mfa.standing import State
from rollout.domain.users import User
from rollout.domain.verdicts.enrolment import Able, Enrolment, covered, enrolment
from rollout.domain.verdicts.impact import impact_of
from rollout.domain.verdicts.requests import World, denial_answers, enrolment_answers
from rollout.domain.verdicts.rights import Rights, rights_of
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.slots import Room, room_for
from rollout.domain.verdicts.surroundings import Surroundings
from rollout.domain.verdicts.verdict import Impact


@dataclass(frozen=True, slots=True)
class Case:
    """One user beside everything that speaks for or against enforcing.

    `covered_by` names foreign documents that force MFA already; `enrolment` is the answer with ForceMFA added,
    None where SCPs could not be read; `needs_help` means that the enrolment policy has to come first.
    """

    user: User
    account: Surroundings
    rules: Rules
    now: datetime
    rights: Rights
    impact: Impact
    covered_by: tuple[str, ...]
    enrolment: Enrolment | None
    needs_help: bool
    room: Room
    address: str


def open_case(user: User, account: Surroundings, rules: Rules, now: datetime) -> Case:
    """Look at a user as if our own policies were absent."""
    rights = rights_of(user, account.observed, account.library, account.without)
    world = World(rules.partition, rules.organization_id, rules.management_account_id, now, rules.context)
    impact = impact_of(user, rules, now)
    sources: tuple[str, ...] = ()
    answer: Enrolment | None = None
    needs_help = False
    if rights.scps is not None:
        sources = covered(denial_answers(user, rights.policies(), world))
        answer = enrolment(enrolment_answers(user, rights.policies(account.force_mfa), world))
        if impact in (Impact.ENROL, Impact.PASSKEY_ONLY):
            today = enrolment(enrolment_answers(user, rights.policies(), world))
            needs_help = today.able is not Able.YES
    quotas = account.observed.facts.quotas
    room = room_for(user, account.standing, rules.names, quotas, rules.attach, enrolment=needs_help)
    address = address_of(user, rules.find)
    return Case(user, account, rules, now, rights, impact, sources, answer, needs_help, room, address)


def enforced_by(user: User, account: Surroundings, rules: Rules) -> str:
    """Name what of ours puts the user under ForceMFA today; empty when nothing does, or the brake is pulled."""
    policy = account.standing.policy
    if policy.state is not State.OURS or policy.braked:
        return ""
    if policy.arn in user.attached:
        return f"{rules.names.policy} (attached to the user)"
    group = account.observed.facts.groups.get(rules.names.group)
    if group is not None and group.name in user.groups and policy.arn in group.attached:
        return f"{rules.names.policy} (group {group.name})"
    return ""
