"""Lists the differences between two plans by user, so that planning again never moves a user silently."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rollout.counted import number_of
from rollout.domain.people.observations import Finding
from rollout.domain.plan.entries import AccountPlan, PlanEntry

SHOWN = 20
LATER = "later-wave"


@dataclass(frozen=True, slots=True)
class PlannedDecision:
    """What a plan decided about one user."""

    arn: str
    verdict: str
    impact: str
    wave: str
    because: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Summarise the decision: `enforce (no-mfa), wave rest`."""
        wave = f", wave {self.wave}" if self.wave else ""
        return f"{self.verdict} ({', '.join(self.because)}){wave}"


@dataclass(frozen=True, slots=True)
class Move:
    """A user who has moved to a later wave. `was` may be a wave that no longer exists."""

    arn: str
    was: str
    now: str


class PlanComparison:
    """What has changed since the plan before, which is seen account by account. Users are known by their UserId.

    Of what is only listed in part, no more is kept.
    """

    def __init__(self, plan_id: str = "", waves: Sequence[str] = ()) -> None:
        """Begin; without a `plan_id` there is no plan before. `waves` are today's, in their order."""
        self.plan_id = plan_id
        self._places = {wave: place for place, wave in enumerate(waves)}
        self._moves: list[Move] = []
        self._changed, self._new, self._gone = _Listed(), _Listed(), _Listed()

    def see(self, before: AccountPlan | None, after: AccountPlan | None) -> None:
        """Compare what the two plans have of one account."""
        old, new = _by_id(before), _by_id(after)
        for user_id, now in new.items():
            was = old.get(user_id)
            if was is None:
                self._new.add(now.arn, f"{now.arn}: new, {now.sentence}")
                continue
            if (was.verdict, was.impact, was.wave) != (now.verdict, now.impact, now.wave):
                self._changed.add(now.arn, f"{now.arn}: {was.sentence} -> {now.sentence}")
            if self._is_later(was.wave, now.wave):
                self._moves.append(Move(now.arn, was.wave, now.wave))
        for user_id, was in old.items():
            if user_id not in new:
                self._gone.add(was.arn, f"{was.arn}: gone, was {was.sentence}")

    @property
    def moves(self) -> tuple[Move, ...]:
        """The users who have moved to a later wave, by ARN."""
        return tuple(sorted(self._moves, key=lambda move: move.arn))

    def lines(self) -> Iterator[str]:
        """List what is new, gone or different, in lines: a head, and what it is about indented.

        None if there was no previous plan. Moves to a later wave come first, and all of them are listed.
        """
        if not self.plan_id:
            return
        if moves := self.moves:
            yield f"MOVED TO A LATER WAVE since plan {self.plan_id}: {number_of(len(moves), 'user')}"
            yield from (f"  {move.arn}: wave {move.was} -> wave {move.now}" for move in moves)
        listed = (self._changed, self._new, self._gone)
        number = sum(one.number for one in listed)
        yield f"Since plan {self.plan_id}: {number or 'no'} difference{'s' if number > 1 else ''}"
        lines = [line for one in listed for line in one.first]
        yield from (f"  {line}" for line in lines[:SHOWN])
        if number > SHOWN:
            yield f"  and {number - SHOWN} more: compare the two files"

    def _is_later(self, was: str, now: str) -> bool:
        """A wave that no longer exists counts as earlier than all others."""
        return bool(was and now) and was != now and self._places.get(was, -1) < self._places.get(now, -1)


class _Listed:
    """Counts lines, and keeps the first of them by ARN."""

    def __init__(self) -> None:
        self.number = 0
        self._kept: list[tuple[str, str]] = []

    def add(self, arn: str, line: str) -> None:
        self.number += 1
        if len(self._kept) < SHOWN or arn < self._kept[-1][0]:
            insort(self._kept, (arn, line))
            del self._kept[SHOWN:]

    @property
    def first(self) -> Iterator[str]:
        return (line for _, line in self._kept)


def about_moves(moves: Iterable[Move], plan_id: str) -> Iterator[Finding]:
    """Report moves to later waves as findings for the review, one for each pair of waves."""
    together: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        together.setdefault((move.was, move.now), []).append(move.arn)
    for (was, now), arns in sorted(together.items()):
        some = ", ".join(arns[:SHOWN]) + (f" and {len(arns) - SHOWN} more" if len(arns) > SHOWN else "")
        yield Finding(
            LATER,
            f"{number_of(len(arns), 'user has', 'users have')} moved from wave {was} to wave {now} "
            f"since plan {plan_id}: {some}",
        )


def _by_id(part: AccountPlan | None) -> dict[str, PlannedDecision]:
    return {entry.user.id: _decision(entry) for entry in part.entries} if part else {}


def _decision(entry: PlanEntry) -> PlannedDecision:
    return PlannedDecision(
        entry.user.arn, str(entry.verdict), str(entry.impact or ""), entry.wave, entry.because
    )
