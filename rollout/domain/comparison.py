"""Says what has changed between two plans, user by user: a re-plan never moves anybody silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rollout.domain.plan import AccountPlan, Entry

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """What a plan said of one user."""

    arn: str
    verdict: str
    impact: str
    wave: str
    because: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Say it shortly: `enforce (no-mfa), wave rest`."""
        wave = f", wave {self.wave}" if self.wave else ""
        return f"{self.verdict} ({', '.join(self.because)}){wave}"


@dataclass(frozen=True, slots=True)
class Before:
    """The plan before, by UserId; empty when there was none."""

    plan_id: str
    users: Mapping[str, Standing]

    def differences(self, accounts: Iterable[AccountPlan]) -> Iterator[str]:
        """Say what is new, gone or different, in lines; nothing when there was no plan before."""
        if not self.plan_id:
            return
        after = _by_id(accounts)
        lines = [*self._changed(after), *self._came_and_went(after)]
        count = f"{len(lines) or 'no'} difference{'s' if len(lines) > 1 else ''}"
        yield f"\nSince plan {self.plan_id}: {count}"
        yield from (f"  {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"  and {len(lines) - SHOWN} more: compare the two files"

    def _changed(self, after: Mapping[str, Standing]) -> Iterator[str]:
        for user_id, now in sorted(after.items(), key=lambda item: item[1].arn):
            was = self.users.get(user_id)
            if was is not None and (was.verdict, was.impact, was.wave) != (now.verdict, now.impact, now.wave):
                yield f"{now.arn}: {was.sentence} -> {now.sentence}"

    def _came_and_went(self, after: Mapping[str, Standing]) -> Iterator[str]:
        for user_id, now in sorted(after.items(), key=lambda item: item[1].arn):
            if user_id not in self.users:
                yield f"{now.arn}: new, {now.sentence}"
        for user_id, was in sorted(self.users.items(), key=lambda item: item[1].arn):
            if user_id not in after:
                yield f"{was.arn}: not seen any more, was {was.sentence}"


def remember(plan_id: str, accounts: Iterable[AccountPlan]) -> Before:
    """Keep what a plan said of everybody."""
    return Before(plan_id, _by_id(accounts))


def _by_id(accounts: Iterable[AccountPlan]) -> dict[str, Standing]:
    return {entry.user.id: _standing(entry) for account in accounts for entry in account.entries}


def _standing(entry: Entry) -> Standing:
    return Standing(entry.user.arn, str(entry.verdict), str(entry.impact or ""), entry.wave, entry.because)
