"""Gathers what a verdict on one user depends on, once."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.people.addresses import Addressee, addressee_of
from rollout.domain.people.users import User
from rollout.domain.policy.our_resources import State
from rollout.domain.verdicts.answers import Answers
from rollout.domain.verdicts.impact import impact_of
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.rights import UserRights, short
from rollout.domain.verdicts.slots import Room, room_for
from rollout.domain.verdicts.verdict import Impact


@dataclass(frozen=True, slots=True)
class Assessment:
    """One user, with everything that speaks for or against enforcing.

    If SCPs could not be read, `answers` leaves them out: what it calls denied is denied, but what it calls allowed may
    not be. `needs_help` means that the enrolment policy must be attached first.
    """

    user: User
    account: JudgedAccount
    impact: Impact
    answers: Answers
    scps_read: bool
    needs_help: bool
    room: Room
    addressee: Addressee

    @property
    def covered_by(self) -> tuple[str, ...]:
        """The policies of others that already enforce MFA."""
        return self.answers.covered_by


def assess(user: User, account: JudgedAccount) -> Assessment:
    """Assess a user as if our own policies were absent."""
    rights, rules = account.rights_without_us(user), account.rules
    impact = impact_of(user)
    answers = account.examiner.examine(user, rights)
    console = user.password is not None
    today, with_help = (ways.open_to(console=console) for ways in (answers.today, answers.under_force_mfa))
    needs_help = impact is Impact.ENROL and not set(with_help) <= set(today)
    quotas = account.facts.quotas
    room = room_for(user, account.ours, rules.names, quotas, rules.attach, enrolment=needs_help)
    addressee = addressee_of(user, account.account, rules.find)
    read = rights.scps is not None
    return Assessment(user, account, impact, answers, read, needs_help, room, addressee)


def enforced_by(user: User, account: JudgedAccount) -> str:
    """Name the policy, and the group if any, through which this tool enforces MFA on the user today; empty if none.

    A policy that denies too little does not enforce: the brake is pulled, or somebody has edited it.
    """
    policy, group = account.ours.policy, account.ours.group
    if policy.state is not State.OURS or not _denies(user, account):
        return ""
    name = short(policy.arn)
    if policy.arn in user.attached:
        return f"{name} (attached to the user)"
    if group.name in user.groups and policy.arn in group.attached:
        return f"{name} (group {group.name})"
    return ""


def _denies(user: User, account: JudgedAccount) -> bool:
    policy = account.ours.policy
    if policy.current:
        return True
    default = policy.found.default if policy.found else None
    if default is None:
        return False
    document = account.library.parse(default.document, policy.arn)
    return bool(account.examiner.examine(user, UserRights((document,), None, ())).covered_by)
