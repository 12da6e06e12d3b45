"""Implements `rollout unlock`: removes the lock of a run that has died."""

from __future__ import annotations

from rollout.cli.options import Config, Profile, Yes
from rollout.cli.startup import go_live, read_settings
from rollout.cli.terminal.console import confirm, err, out


def unlock(config: Config = None, profile: Profile = None, yes: Yes = False) -> None:
    """Remove a stale lock, after showing who holds it and whether that run is alive on this machine.

    A run that is still alive stops at its next account.

    Example: [bold]rollout unlock[/] after a laptop died in the middle of a run.
    """
    from rollout.wiring import Files

    settings = read_settings(config)
    organization_id = settings.organization
    if organization_id is None:
        _, where = go_live(settings, profile)
        organization_id = where.organization.id
    lock = Files(settings, profile).lock()
    holder = lock.holder(organization_id)
    if holder is None:
        out.print(f"Nobody holds the lock of organization {organization_id}.", markup=False)
        return
    err.print(f"The lock of organization {organization_id} is held by {holder.sentence}.", markup=False)
    err.print("Remove it only if that run has died: two runs at once would interfere with each other.")
    confirm("Remove the lock?", yes=yes)
    if lock.runs_here(holder):
        err.print(f"Process {holder.pid} is still running on this machine.", markup=False)
        confirm("Remove the lock of a run that is alive?", yes=yes)
    former = lock.break_open(organization_id)
    out.print(
        f"Removed the lock of {former.sentence}." if former else "The lock was released in the meantime.",
        markup=False,
    )
