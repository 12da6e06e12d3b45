"""Tells who moved from where to where between two looks: two plans, or two days of a rollout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rollout.domain.plan.entries import AccountPlan, PlanEntry

NEW, GONE = "new", "gone"
"""Where a user comes from whom the earlier look did not have, and where one goes whom the later one does not have."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one user stood: `place` in a few words, `why` with more of them."""

    user_id: str
    arn: str
    place: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """One user who has moved. `why` is that of the later look, or of the earlier one for a user who is gone."""

    arn: str
    was: str
    now: str
    why: str = ""


@dataclass(slots=True)
class Movements:
    """Who has moved, and how many have not. Users are known by their UserId, so that a namesake is another user.

    Both looks are gone through account by account; nobody is kept but who has moved.
    """

    before: str
    after: str
    moved: list[Movement] = field(default_factory=list)
    stayed: int = 0

    def see(self, before: Iterable[Standing], after: Iterable[Standing]) -> None:
        """Compare what two looks have of one account; one that has nothing of it gives none."""
        earlier = {one.user_id: one for one in before}
        for now in after:
            was = earlier.pop(now.user_id, None)
            if was is not None and was.place == now.place:
                self.stayed += 1
            else:
                self.moved.append(Movement(now.arn, was.place if was else NEW, now.place, now.why))
        self.moved += [Movement(was.arn, was.place, GONE, was.why) for was in earlier.values()]

    @property
    def ways(self) -> Mapping[tuple[str, str], tuple[Movement, ...]]:
        """The users by where they came from and went to: the way of most users first, users by ARN."""
        numbers = Counter((one.was, one.now) for one in self.moved)
        found: dict[tuple[str, str], list[Movement]] = {
            way: [] for way, _ in sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
        }
        for one in sorted(self.moved, key=lambda one: one.arn):
            found[one.was, one.now].append(one)
        return {way: tuple(users) for way, users in found.items()}


def compared(
    before: str,
    earlier: Iterable[tuple[str, Iterable[Standing]]],
    after: str,
    later: Iterable[tuple[str, Iterable[Standing]]],
) -> Movements:
    """Compare two looks, each of which gives account after account by ID, with their users; both have a name."""
    movements = Movements(before, after)
    for old, new in _side_by_side(iter(earlier), iter(later)):
        movements.see(old, new)
    return movements


def _side_by_side(
    earlier: Iterator[tuple[str, Iterable[Standing]]], later: Iterator[tuple[str, Iterable[Standing]]]
) -> Iterator[tuple[Iterable[Standing], Iterable[Standing]]]:
    old, new = next(earlier, None), next(later, None)
    while old or new:
        if old is not None and (new is None or old[0] < new[0]):
            yield old[1], ()
            old = next(earlier, None)
        elif new is not None and (old is None or new[0] < old[0]):
            yield (), new[1]
            new = next(later, None)
        elif old is not None and new is not None:
            yield old[1], new[1]
            old, new = next(earlier, None), next(later, None)


def planned(accounts: Iterable[AccountPlan]) -> Iterator[tuple[str, Iterable[Standing]]]:
    """Give where the users of a plan stand in it: `enforce enrol, wave rest`, `hold (machine)`."""
    for account in accounts:
        yield account.account_id, map(planned_standing, account.entries)


def planned_standing(entry: PlanEntry) -> Standing:
    """Say where a plan puts a user. The reasons of a hold are part of it: each is ended in another way."""
    because = ", ".join(entry.because)
    words = str(entry.verdict)
    if entry.impact:
        words = f"{words} {entry.impact}"
    elif because:
        words = f"{words} ({because})"
    wave = f", wave {entry.wave}" if entry.wave else ""
    return Standing(entry.user.id, entry.user.arn, f"{words}{wave}", because)
