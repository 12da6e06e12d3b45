"""Counts users by what enforcement means for them. Plan, commands and report all take their figures from here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rollout.counted import number_of
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
            f"{self.enrol} must enrol a device ({number_of(self.without_device, 'has', 'have')} none), {self.cli} must "
            f"change how they use the CLI, {number_of(self.nothing, 'notices', 'notice')} nothing; "
            f"{number_of(self.no_notice, 'needs', 'need')} no notice"
        )


def count_impact(affected: Iterable[Affected]) -> ImpactCounts:
    """Count users."""
    return impact_of(Counter((one.impact, one.has_device, one.needs_notice) for one in affected))


def impact_of(users: Mapping[tuple[Impact, bool, bool], int]) -> ImpactCounts:
    """Add up numbers of users by impact, whether they have a device, and whether they need a notice."""
    return ImpactCounts(
        enrol=sum(number for (impact, _, _), number in users.items() if impact in MUST_ENROL),
        without_device=sum(
            number for (impact, device, _), number in users.items() if impact in MUST_ENROL and not device
        ),
        cli=sum(number for (impact, _, _), number in users.items() if impact is Impact.CLI),
        nothing=sum(number for (impact, _, _), number in users.items() if impact is Impact.NONE),
        no_notice=sum(number for (_, _, needed), number in users.items() if not needed),
    )


def impact_by_wave(affected: Iterable[Affected], waves: Iterable[str]) -> dict[str, ImpactCounts]:
    """Count the users of each wave, in the order of `waves`, including waves without users."""
    users = tuple(affected)
    return {wave: count_impact(one for one in users if one.wave == wave) for wave in waves}
