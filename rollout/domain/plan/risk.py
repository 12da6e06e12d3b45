"""Puts the users of a plan into the order in which a reviewer should look at them: whom enforcement hits hardest."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from rollout.domain.plan.entries import PlanEntry
from rollout.domain.plan.impact_counts import MUST_ENROL
from rollout.domain.verdicts.verdict import Code, Impact, Kind


class Risk(IntEnum):
    """What happens to a user on the day of enforcement, worst first."""

    meaning: str

    def __new__(cls, place: int, meaning: str) -> Self:
        """Make a member from its row."""
        member = int.__new__(cls, place)
        member._value_ = place
        member.meaning = meaning
        return member

    KEYS_STOP = 1, "no device: can do nothing but enrol one, and what their access keys run stops"
    ONLY_ENROL = 2, "no device: can do nothing but enrol one"
    PASSKEY = (
        3,
        "a passkey only: access keys stop until there is an authenticator app, or `aws login` is used",
    )
    CLI = 4, "access keys stop until the command line uses session tokens with MFA"
    NOTHING = 5, "notices nothing"


def risk_of(entry: PlanEntry) -> Risk | None:
    """Tell what enforcement does to a user; None for whom the plan does not enforce, or who is enforced already."""
    if entry.verdict is not Kind.ENFORCE or entry.enforced_by:
        return None
    if entry.impact in MUST_ENROL and not entry.facts.mfa_active:
        return Risk.KEYS_STOP if Code.KEYS_IN_USE in entry.because else Risk.ONLY_ENROL
    match entry.impact:
        case Impact.ENROL | Impact.PASSKEY_ONLY:
            return Risk.PASSKEY
        case Impact.CLI:
            return Risk.CLI
        case _:
            return Risk.NOTHING
