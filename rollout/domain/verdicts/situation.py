"""Gathers what the steps that fit one user depend on, so that a notice promises nothing that would not work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rollout.domain.people.key_activity import Counts
from rollout.domain.people.users import User
from rollout.domain.verdicts.assessment import Assessment
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.impact import GIVES_CODES
from rollout.domain.verdicts.machines import machine_evidence
from rollout.domain.verdicts.passwords import expiry_to_tell
from rollout.domain.verdicts.verdict import Impact, KeyOutlook, Situation

MOST_TOLD = 3
"""How many operations, programs and addresses a notice names of a key."""


def situation_of(assessed: Assessment) -> Situation:
    """Describe a user who is to be enforced."""
    user, account = assessed.user, assessed.account
    answers, policy = assessed.answers, account.facts.password_policy
    console = user.password is not None
    asked_to_enrol = assessed.impact in (Impact.ENROL, Impact.PASSKEY_ONLY)
    may_change = answers.password.able is Able.YES and not (policy and policy.hard_expiry)
    return Situation(
        console=console,
        active_keys=len(user.active_keys),
        device_kinds=user.device_kinds,
        serials=tuple(device.serial for device in user.devices or () if device.kind in GIVES_CODES),
        ways=answers.under_force_mfa.open_to(console=console) if asked_to_enrol else (),
        enrols_by_keys=asked_to_enrol
        and bool(user.active_keys)
        and answers.under_force_mfa.app_by_keys.able is Able.YES,
        aws_login=console and answers.aws_login,
        without_mfa=user.without_mfa_flag,
        password_expires=None if may_change else expiry_to_tell(user, policy, account.now),
        machine=bool(machine_evidence(user, account.rules, account.now)),
        keys=tuple(_outlook(user)),
    )


def _outlook(user: User) -> Iterator[KeyOutlook]:
    """Describe each active key, with its calls where they were looked at."""
    activities = {activity.key: activity for activity in user.activity}
    for key in user.active_keys:
        seen = KeyOutlook(key.label, key.last_used, key.service or "", key.region or "")
        activity = activities.get(key.label)
        if activity is not None and activity.last is not None:
            seen = replace(
                seen,
                denied=_most(activity.operations),
                operations=len(activity.operations),
                last_denied=activity.last.date(),
                agents=_most(activity.agents),
                addresses=_most(activity.addresses),
            )
        yield seen


def _most(counts: Counts) -> tuple[str, ...]:
    return tuple(name for name, _ in counts[:MOST_TOLD])
