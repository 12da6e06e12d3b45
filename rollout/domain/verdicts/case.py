"""Everything about one user that a judgement weighs, worked out once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.domain.people.addresses import address_of
from rollout.domain.people.users import User
from rollout.domain.policy.standing import State
from rollout.domain.verdicts.answers import Answers
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.impact import impact_of
from rollout.domain.verdicts.rights import Rights, rights_of
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.slots import Room, room_for
from rollout.domain.verdicts.surroundings import Surroundings
from rollout.domain.verdicts.verdict import Impact


@dataclass(frozen=True, slots=True)
class Case:
    """One user beside everything that speaks for or against enforcing.

    Where SCPs could not be read, `answers` goes without them: what is denied then is denied all the same, what is
    allowed need not be. `needs_help` means that the enrolment policy has to come first.
    """

    user: User
    account: Surroundings
    rules: Rules
    now: datetime
    impact: Impact
    answers: Answers
    scps_read: bool
    needs_help: bool
    room: Room
    address: str

    @property
    def covered_by(self) -> tuple[str, ...]:
        """The foreign documents that force MFA already."""
        return self.answers.covered_by


def open_case(user: User, account: Surroundings, rules: Rules, now: datetime) -> Case:
    """Look at a user as if our own policies were absent."""
    rights = rights_of(user, account.observed, account.library, account.without)
    impact = impact_of(user, rules, now)
    answers = account.examiner.examine(user, rights)
    needs_help = impact in (Impact.ENROL, Impact.PASSKEY_ONLY) and answers.today.able is not Able.YES
    quotas = account.observed.facts.quotas
    room = room_for(user, account.standing, rules.names, quotas, rules.attach, enrolment=needs_help)
    address = address_of(user, rules.find)
    read = rights.scps is not None
    return Case(user, account, rules, now, impact, answers, read, needs_help, room, address)


def enforced_by(user: User, account: Surroundings, rules: Rules) -> str:
    """Name what of ours puts the user under ForceMFA today; empty when nothing does.

    Nothing does where the brake is pulled, or where somebody changed the text so that it denies too little. A foreign
    policy of the same meaning is our doing on our own group alone.
    """
    standing = account.standing
    policy = standing.policy
    if policy.state not in (State.OURS, State.FOREIGN_SAME) or not _denies(user, account):
        return ""
    if policy.state is State.OURS and policy.arn in user.attached:
        return f"{rules.names.policy} (attached to the user)"
    ours = standing.group is State.OURS or policy.state is State.OURS
    if ours and standing.group_name in user.groups and policy.arn in standing.group_has:
        return f"{rules.names.policy} (group {standing.group_name})"
    return ""


def _denies(user: User, account: Surroundings) -> bool:
    policy = account.standing.policy
    if policy.current:
        return True
    default = policy.found.default if policy.found else None
    if default is None:
        return False
    document = account.library.parse(default.document, policy.arn)
    return bool(account.examiner.examine(user, Rights((document,), None, ())).covered_by)
