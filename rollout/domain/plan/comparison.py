"""Lists the differences between two plans by user, so that planning again never moves a user silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class PreviousPlan:
    """The previous plan, by UserId; empty if there was none."""

    plan_id: str
    users: Mapping[str, PlannedDecision]

    def later(self, accounts: Iterable[AccountPlan], waves: Sequence[str]) -> tuple[Move, ...]:
        """Find the users who have moved to a later wave; `waves` are today's, in their order.

        A wave that no longer exists counts as earlier than all others.
        """
        places = {wave: place for place, wave in enumerate(waves)}
        moves = []
        for user_id, now in _by_id(accounts).items():
            was = self.users.get(user_id)
            if was is None or not was.wave or not now.wave or was.wave == now.wave:
                continue
            if places.get(was.wave, -1) < places.get(now.wave, -1):
                moves.append(Move(now.arn, was.wave, now.wave))
        return tuple(sorted(moves, key=lambda move: move.arn))

    def differences(self, accounts: Iterable[AccountPlan], waves: Sequence[str] = ()) -> Iterator[str]:
        """List what is new, gone or different, in lines: a head, and what it is about indented.

        None if there was no previous plan. Moves to a later wave come first, and all of them are listed.
        """
        if not self.plan_id:
            return
        accounts = tuple(accounts)
        moves = self.later(accounts, waves)
        if moves:
            yield f"MOVED TO A LATER WAVE since plan {self.plan_id}: {number_of(len(moves), 'user')}"
            yield from (f"  {move.arn}: wave {move.was} -> wave {move.now}" for move in moves)
        after = _by_id(accounts)
        lines = [*self._changed(after), *self._new_and_gone(after)]
        count = f"{len(lines) or 'no'} difference{'s' if len(lines) > 1 else ''}"
        yield f"Since plan {self.plan_id}: {count}"
        yield from (f"  {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"  and {len(lines) - SHOWN} more: compare the two files"

    def _changed(self, after: Mapping[str, PlannedDecision]) -> Iterator[str]:
        for user_id, now in sorted(after.items(), key=lambda item: item[1].arn):
            was = self.users.get(user_id)
            if was is not None and (was.verdict, was.impact, was.wave) != (now.verdict, now.impact, now.wave):
                yield f"{now.arn}: {was.sentence} -> {now.sentence}"

    def _new_and_gone(self, after: Mapping[str, PlannedDecision]) -> Iterator[str]:
        for user_id, now in sorted(after.items(), key=lambda item: item[1].arn):
            if user_id not in self.users:
                yield f"{now.arn}: new, {now.sentence}"
        for user_id, was in sorted(self.users.items(), key=lambda item: item[1].arn):
            if user_id not in after:
                yield f"{was.arn}: gone, was {was.sentence}"


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


def remember(plan_id: str, accounts: Iterable[AccountPlan]) -> PreviousPlan:
    """Keep the decisions of a plan for a later comparison."""
    return PreviousPlan(plan_id, _by_id(accounts))


def _by_id(accounts: Iterable[AccountPlan]) -> dict[str, PlannedDecision]:
    return {entry.user.id: _decision(entry) for account in accounts for entry in account.entries}


def _decision(entry: PlanEntry) -> PlannedDecision:
    return PlannedDecision(
        entry.user.arn, str(entry.verdict), str(entry.impact or ""), entry.wave, entry.because
    )
