"""Counts where teams stand: the users of OUs and accounts, and those whose manager is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.people.addresses import normalised_address
from rollout.domain.people.scope import Selection
from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.progress.messages import TeamCounts
from rollout.domain.status.user_status import Statuses
from rollout.domain.verdicts.verdict import Impact, Kind


@dataclass(frozen=True, slots=True)
class TeamScope:
    """A team of `notify.teams`: its name, and the accounts that are its own."""

    name: str
    selection: Selection


@dataclass(slots=True)
class _Count:
    users: int = 0
    enforced: int = 0
    missing: list[str] = field(default_factory=list)
    due: datetime | None = None

    def add(self, entry: PlanEntry, account: str, statuses: Statuses, now: datetime) -> None:
        """Count a user; who is enforced has what is needed, or has been told what to do."""
        status = statuses.of(entry.user, entry)
        self.users += 1
        self.enforced += status.enforced
        if entry.impact is not Impact.ENROL or status.enforced:
            return
        self.missing.append(f"{account}: {entry.user.name}")
        due = status.notice.due if status.notice else None
        if due is not None and due > now and (self.due is None or due < self.due):
            self.due = due

    @property
    def counts(self) -> TeamCounts:
        return TeamCounts(self.users, self.enforced, len(self.missing), self.due, tuple(sorted(self.missing)))


def count_teams(
    accounts: Iterable[AccountPlan], teams: Iterable[TeamScope], statuses: Statuses, now: datetime
) -> tuple[dict[str, TeamCounts], dict[str, TeamCounts]]:
    """Count by team, and by the address of the manager; teams without users are left out."""
    of_teams: dict[str, _Count] = {}
    of_managers: dict[str, _Count] = {}
    known = tuple(teams)
    for part in accounts:
        mine = [team for team in known if team.selection.takes_account(part.account_id, part.name, part.ou)]
        for entry in part.entries:
            if entry.verdict is not Kind.ENFORCE:
                continue
            for count in _counted_in(entry, mine, of_teams, of_managers):
                count.add(entry, part.name, statuses, now)
    return (
        {name: count.counts for name, count in of_teams.items()},
        {address: count.counts for address, count in of_managers.items()},
    )


def _counted_in(
    entry: PlanEntry, teams: Iterable[TeamScope], of_teams: dict[str, _Count], of_managers: dict[str, _Count]
) -> Iterator[_Count]:
    for team in teams:
        yield of_teams.setdefault(team.name, _Count())
    if manager := normalised_address(entry.addressee.manager):
        yield of_managers.setdefault(manager, _Count())
