"""Commands about the store itself: `unlock` removes a lock, `seal` seals what is in it without a seal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Config, Json, Profile, Yes
from rollout.cli.running import leave_with
from rollout.cli.startup import go_live, read_settings
from rollout.cli.terminal.console import TerminalProgress, confirm, err, out, print_json, table
from rollout.counted import number_of
from rollout.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.domain.progress.records import Record
    from rollout.domain.progress.releases import ReleaseRecord
    from rollout.workflows.ports import UnsealedRun
    from rollout.workflows.seal import Unsealed


def unlock(config: Config = None, profile: Profile = None, yes: Yes = False) -> None:
    """Remove a stale lock, after showing who holds it and whether that run is alive on this machine.

    A run that is still alive stops before its next change.

    Example: [bold]rollout unlock[/] after a laptop died in the middle of a run.
    """
    from rollout.wiring import Files

    settings = read_settings(config)
    organization_id = settings.organization
    if organization_id is None:
        _, where = go_live(settings, profile)
        organization_id = where.organization.id
    lock = Files(settings, profile, endpoint_ok=endpoint_ok()).lock()
    holder = lock.holder(organization_id)
    if holder is None:
        out.print(f"Nobody holds the lock of organization {organization_id}.")
        return
    err.print(f"The lock of organization {organization_id} is held by {holder.sentence}.")
    err.print("Remove it only if that run has died: two runs at once would interfere with each other.")
    confirm("Remove the lock?", yes=yes)
    if lock.runs_here(holder):
        err.print(f"Process {holder.pid} is still running on this machine.")
        confirm("Remove the lock of a run that is alive?", yes=yes)
    former = lock.break_open(organization_id)
    out.print(
        f"Removed the lock of {former.sentence}." if former else "The lock was released in the meantime."
    )


def seal(config: Config = None, profile: Profile = None, yes: Yes = False, json: Json = False) -> None:
    """Seal what was written to the store without its key, after showing it. Writes nothing to AWS but a store's bucket.

    Needed once when store_key is set for a store that is in use, when the key is replaced, when a store is copied, and
    after a release that had to do without the key. Seal nothing that you do not know: it counts from then on.

    Example: [bold]rollout seal[/]
    """
    from rollout.workflows.seal import Unsealed
    from rollout.workflows.seal import seal as take_over

    live, where = go_live(read_settings(config), profile)
    found = live.files.unsealed(where.organization.id)
    left: tuple[ReleaseRecord, ...] = ()
    if not json:
        _show(found)
    if found != Unsealed(found.damaged):
        _ask(found, yes=yes)
        run = live.new_run()
        left = take_over(found, live.sealing_run(run, where, TerminalProgress(), found))
    if json:
        print_json(_as_json(found, left))
    else:
        _tell(found, left)
    leave_with({ExitCode.PLAN_REFUSED: bool(found.damaged or left)})


def _show(found: Unsealed) -> None:
    if found.nothing:
        out.print("Everything in the store is sealed.")
        return
    if found.runs:
        columns = ("run", "began", "by", "command", "what it says", "why")
        out.print(table("Runs without a seal", columns, [_row(one) for one in found.runs]))
    if found.plans:
        rows = [
            (plan.header.id, f"{plan.header.created:%Y-%m-%d %H:%M} UTC", plan.header.caller, plan.location)
            for plan in found.plans
        ]
        out.print(table("\nPlans without a seal", ("plan", "made", "by", "file"), rows))
    if found.markers:
        rows = [(one.run, _moment(one), one.caller, _said(one)) for one in found.markers]
        out.print(table("\nReleases that running runs would see", ("run", "at", "by", "what it says"), rows))


def _row(one: UnsealedRun) -> tuple[str, ...]:
    from rollout.domain.progress.records import RunStarted

    started = next((record for record in one.records if isinstance(record, RunStarted)), None)
    first = one.records[0] if one.records else None
    command = "" if started is None else started.command
    if command == "apply" and started is not None:
        command = f"apply --stage {started.stage}"
    by = getattr(started or first, "caller", "")
    return (one.run, _moment(first) if first else "", by, command, _kinds(one.records), one.damage or one.why)


def _kinds(records: Iterable[Record]) -> str:
    counts = Counter(type(record).__name__ for record in records)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _moment(record: Record) -> str:
    return f"{record.at:%Y-%m-%d %H:%M} UTC"


def _said(record: ReleaseRecord) -> str:
    return f"{type(record).__name__} {record.release_scope.text}: {record.reason}"


def _ask(found: Unsealed, *, yes: bool) -> None:
    err.print(
        f"About to seal {number_of(len(found.vouched), 'run')}, {number_of(len(found.plans), 'plan')}, and those of "
        f"{number_of(len(found.markers), 'marker')} "
        "that the journal knows. From then on, apply goes by what they say."
    )
    confirm("Are they all yours?", yes=yes)


def _tell(found: Unsealed, left: tuple[ReleaseRecord, ...]) -> None:
    for one in found.damaged:
        err.print(f"Not sealed: {one.where}: {one.damage}")
    for marker in left:
        err.print(f"Not sealed, for the journal knows no such release: {_said(marker)} ({marker.run})")
    if found.damaged or left:
        err.print("  Cure: find out who wrote them, and move them out of the store")
    if found.vouched or found.plans:
        out.print(f"Sealed {number_of(len(found.vouched), 'run')} and {number_of(len(found.plans), 'plan')}.")


def _as_json(found: Unsealed, left: tuple[ReleaseRecord, ...]) -> dict[str, object]:
    return {
        "sealed": {
            "runs": sorted(found.vouched),
            "plans": [plan.header.id for plan in found.plans],
            "markers": [one.run for one in found.markers if one not in left],
        },
        "left": {
            "runs": [{"run": one.run, "file": one.where, "why": one.damage} for one in found.damaged],
            "markers": [one.run for one in left],
        },
    }
