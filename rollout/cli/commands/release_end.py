"""`rollout release --end`: enforces users again whom a release, or somebody by hand, let out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollout.cli.running import leave_with
from rollout.cli.startup import tell_endpoints
from rollout.cli.terminal.console import TerminalProgress, confirm, err, out, print_json, table
from rollout.counted import number_of
from rollout.errors import ExitCode, Interrupted

if TYPE_CHECKING:
    from rollout.domain.progress.release_scope import ReleaseScope
    from rollout.wiring import Live
    from rollout.workflows.account_run import RunResult
    from rollout.workflows.inventory import Premises
    from rollout.workflows.release import ReleaseSelection


def end_release(
    run: str,
    selected: ReleaseSelection,
    reason: str,
    live: Live,
    where: Premises,
    overrides: Mapping[str, str],
    *,
    rehearsal: bool,
    yes: bool,
    json: bool,
) -> None:
    """Ask for confirmation, end the releases by what the newest plan has decided, and print the result."""
    from rollout.workflows.release_end import EndOrder, end

    release_scope, shares = selected
    gated = live.gated_by(live.files.plans.load(None, where.organization.id), overrides)
    if not rehearsal:
        tell_endpoints(live)
        _ask(selected, yes=yes)
    result = end(
        EndOrder(release_scope, reason, gated),
        [share.account for share in shares],
        run=live.run_context(run, where, TerminalProgress(), rehearsal=rehearsal),
        basis=live.basis(where, live.levels(where)),
        where=where,
    )
    if json:
        print_json(_as_json(release_scope, result, rehearsal=rehearsal))
    else:
        _tell(release_scope, result, rehearsal=rehearsal)
    if result.interrupted:
        raise Interrupted(
            "interrupted; the journal contains what was done", cure="run the same command again"
        )
    if result.refused is not None:
        raise result.refused
    leave_with({ExitCode.IN_PART: result.in_part})


def _ask(selected: ReleaseSelection, *, yes: bool) -> None:
    release_scope, shares = selected
    users = sum(len(share.users) for share in shares)
    whole = number_of(users, "user") if users else "all users released there, by this tool or by hand,"
    err.print(
        f"About to end releases of {release_scope.text} and enforce {whole} in {number_of(len(shares), 'account')}; "
        "all users are judged again first."
    )
    confirm("Go on?", yes=yes)


def _tell(release_scope: ReleaseScope, result: RunResult, *, rehearsal: bool) -> None:
    would = "would be " if rehearsal else ""
    out.print(f"Release of {release_scope.text} {would}ended: {number_of(result.writes, 'write')}.")
    rows = [(one.account.id, left.what, left.why) for one in result.accounts for left in one.left]
    if rows:
        out.print(table("\nNot enforced again", ("account", "user", "why"), rows))
    for one in result.accounts:
        for why in one.failed:
            err.print(f"Account {one.account.id}: {why}")


def _as_json(release_scope: ReleaseScope, result: RunResult, *, rehearsal: bool) -> dict[str, object]:
    return {
        "ended": release_scope.text,
        "writes": result.writes,
        "rehearsal": rehearsal,
        "accounts": [
            {
                "account": one.account.id,
                "writes": len(one.written),
                "stay_out": [{"user": left.what, "why": left.why} for left in one.left],
                "failed": one.failed,
            }
            for one in result.accounts
        ],
    }
