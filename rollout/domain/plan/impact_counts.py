"""Counts users by what enforcement means for them. Plan, commands and report all take their figures from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rollout.domain.people.users import UserRef
from rollout.domain.verdicts.verdict import Impact

MUST_ENROL = (Impact.ENROL, Impact.PASSKEY_ONLY)


@dataclass(frozen=True, slots=True)
class Affected:
    """A user to be enforced, and what that means for them. `has_device` is as the user was last read."""

    user: UserRef
    wave: str
    impact: Impact
    has_device: bool
    needs_notice: bool

    @property
    def must_enrol(self) -> bool:
        """Tell whether the user has to enrol a device that gives codes before they can work as they do now."""
        return self.impact in MUST_ENROL


@dataclass(frozen=True, slots=True)
class ImpactCounts:
    """Numbers of users by what enforcement means for them.

    A user is counted once in `enrol`, `cli` or `nothing`: they must enrol a device, change how they use the CLI, or
    notice nothing. `without_device` are those of `enrol` who have no device at all: once enforced, they can do nothing
    but enrol one. `no_notice` are the users, of any of the three, to whom no notice is sent.
    """

    enrol: int = 0
    without_device: int = 0
    cli: int = 0
    nothing: int = 0
    no_notice: int = 0

    @property
    def users(self) -> int:
        """The number of users counted."""
        return self.enrol + self.cli + self.nothing

    @property
    def sentence(self) -> str:
        """All figures, for a person."""
        return (
            f"{self.enrol} must enrol a device ({self.without_device} have none), {self.cli} must change how they use "
            f"the CLI, {self.nothing} notice nothing; {self.no_notice} need no notice"
        )


def count_impact(affected: Iterable[Affected]) -> ImpactCounts:
    """Count users."""
    users = tuple(affected)
    return ImpactCounts(
        enrol=sum(one.must_enrol for one in users),
        without_device=sum(one.must_enrol and not one.has_device for one in users),
        cli=sum(one.impact is Impact.CLI for one in users),
        nothing=sum(one.impact is Impact.NONE for one in users),
        no_notice=sum(not one.needs_notice for one in users),
    )


def impact_by_wave(affected: Iterable[Affected], waves: Iterable[str]) -> dict[str, ImpactCounts]:
    """Count the users of each wave, in the order of `waves`, including waves without users."""
    users = tuple(affected)
    return {wave: count_impact(one for one in users if one.wave == wave) for wave in waves}
