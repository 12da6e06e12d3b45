"""Tells teams, owners of accounts and managers where their users stand (`rollout notices --digest`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from rollout.cli.running import leave_with
from rollout.cli.startup import selection
from rollout.cli.terminal.console import confirm, out, table, warn
from rollout.domain.progress.messages import Summary, TeamCounts
from rollout.errors import ExitCode, RolloutError, WrongUsage

if TYPE_CHECKING:
    from rollout.domain.status.user_status import Statuses
    from rollout.wiring import Live
    from rollout.workflows.ports import StoredPlan


def tell_teams(live: Live, stored: StoredPlan, statuses: Statuses, now: datetime, *, yes: bool) -> None:
    """Count, show, ask, and send; one that fails keeps no other from hearing. Raises WrongUsage, ChannelUnusable."""
    from rollout.workflows.telling.team_digests import TeamScope, count_teams

    notify = live.settings.notify
    scopes = [TeamScope(team.name, selection(list(team.accounts), list(team.ous))) for team in notify.teams]
    if not scopes and not notify.managers:
        raise WrongUsage("nobody is to hear where users stand", cure="set notify.teams or notify.managers")
    of_teams, of_managers = count_teams(stored.accounts(), scopes, statuses, now)
    mails = {team.name: team.mail for team in notify.teams if team.mail}
    managers = of_managers if notify.managers else {}
    rows = [
        (name, mails.get(name, ""), counts.users, counts.enforced, counts.without_device)
        for name, counts in (*of_teams.items(), *managers.items())
    ]
    if not rows:
        out.print("No team or manager has users who are to be enforced.")
        return
    out.print(table("Where teams stand", ("team", "mail", "#users", "#enforced", "#without a device"), rows))
    confirm("Tell them?", yes=yes)
    failed = list(_sent(live, of_teams, mails, managers, now))
    for name, why in failed:
        warn(f"{name} was not told: {why}")
    leave_with({ExitCode.IN_PART: bool(failed)})


def _sent(
    live: Live,
    of_teams: dict[str, TeamCounts],
    mails: dict[str, str],
    managers: dict[str, TeamCounts],
    now: datetime,
) -> Iterator[tuple[str, str]]:
    """Send, and yield who was not told and why."""
    chats, notifier = live.chats(), live.notifier()
    zone = live.settings.domain_schedule().zone or UTC

    def summary(name: str, address: str, counts: TeamCounts) -> Summary:
        name_of_it = sha256(f"{name} {address} {now.isoformat()}".encode()).hexdigest()[:32]
        return Summary(address, (), zone=zone, id=name_of_it, team=name, counts=counts)

    letters = [(name, mails[name], counts) for name, counts in of_teams.items() if name in mails]
    letters += [(address, address, counts) for address, counts in managers.items()]
    try:
        if letters:
            notifier.open()
        for name, address, counts in letters:
            receipt = notifier.send(summary(name, address, counts))
            if receipt.delivery.failed:
                yield name, receipt.detail
    finally:
        notifier.close()
    for name, counts in of_teams.items():
        if name in chats:
            try:
                chats[name](summary(name, "", counts))
            except RolloutError as problem:
                yield name, str(problem)
