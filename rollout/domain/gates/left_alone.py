"""Finds who was left alone on purpose, so that an earlier notice does not count and they get a new one.

The journal keeps it: removing or changing a line of `rollout.yaml` later makes no earlier notice count again
(design.md#stages-and-gates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.observations import Inventory, NotEntered
from rollout.domain.people.organization import AccountState
from rollout.domain.people.users import Named, UserRef
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import LeftAlone
from rollout.domain.verdicts.rules import DecisionRules


class Judged(Named, Protocol):
    """A user whom a plan, a look or a run judges."""

    @property
    def ref(self) -> UserRef:
        """The user as the journal names them."""


def left_alone_until(
    user: Named, exemptions: Iterable[Exemption], progress: Progress, now: datetime
) -> datetime | None:
    """Return the last moment at which the user was left alone: taken out for good, exempt, excluded; None if never.

    Exemptions that have ended count even if no run has seen them yet.
    """
    ends = [end for line in exemptions if line.match.matches(user) and (end := _end(line)) <= now]
    if known := progress.left_alone_until.get(user.id):
        ends.append(known)
    return max(ends, default=None)


@dataclass(frozen=True, slots=True)
class Witness:
    """A plan, a look or a run that judges users at `now`, and records whom it sees left alone."""

    rules: DecisionRules
    progress: Progress
    run: str
    organization_id: str
    now: datetime

    def saw(self, users: Iterable[Judged]) -> Iterator[LeftAlone]:
        """Yield a record for each user whose notice does not count any more, by an exemption or `rules.break_glass`."""
        for user in users:
            if user.id not in self.progress.notices:
                continue
            spared = [
                (min(_end(line), self.now), f"exemption: {line.sentence}")
                for line in self.rules.exemptions
                if line.match.matches(user)
            ]
            if any(match.matches(user) for match in self.rules.break_glass):
                spared.append((self.now, "rules.break_glass"))
            if spared:
                yield from self._record(user.ref, *max(spared))

    def saw_all(self, inventory: Inventory) -> Iterator[LeftAlone]:
        """Yield the records for the whole organization; whoever is in an account outside of `scope` is among them."""
        for observed in inventory.observed:
            yield from self.saw(observed.facts.users)
        yield from self.saw_excluded(inventory)

    def saw_excluded(self, inventory: Inventory) -> Iterator[LeftAlone]:
        """Yield the records for the users in accounts outside of `scope`."""
        excluded = {
            view.account.id
            for view in inventory.accounts
            if isinstance(view, NotEntered) and view.asked_for and view.account.state is AccountState.ACTIVE
        }
        for notice in self.progress.notices.values():
            if notice.user.account_id in excluded:
                yield from self._record(notice.user, self.now, "scope")

    def _record(self, user: UserRef, until: datetime, why: str) -> Iterator[LeftAlone]:
        """Record it unless the notice does not count anyway."""
        known, notice = self.progress.left_alone_until.get(user.id), self.progress.notices[user.id]
        if notice.at <= until and (known is None or known < notice.at):
            yield LeftAlone(self.run, self.now, self.organization_id, user, until, why)


def _end(line: Exemption) -> datetime:
    """Return the moment at which an exemption ends: after its last day, in UTC."""
    return datetime.combine(line.expires + timedelta(days=1), time(), UTC)
