"""`rollout verify`: checks who is actually enforced and what has drifted; suitable for a nightly job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.keeping_looks import keep_look
from rollout.cli.options import (
    Accounts,
    Config,
    Defaults,
    Json,
    Ous,
    OverrideGates,
    Profile,
    Yes,
    free_text,
    overrides_of,
)
from rollout.cli.running import leave_with
from rollout.cli.startup import Doubts, go_live, read_deciding_settings, selection, tell_endpoints
from rollout.cli.terminal.console import TerminalProgress, confirm, err, next_step, out, print_json, table
from rollout.counted import number_are, number_of
from rollout.errors import ExitCode, Interrupted, WrongUsage

if TYPE_CHECKING:
    from datetime import datetime

    from rollout.domain.drift import HeadCount
    from rollout.domain.people.observations import Inventory
    from rollout.domain.people.scope import Selection
    from rollout.domain.progress.progress import Progress
    from rollout.wiring import Live
    from rollout.workflows.account_run import RunResult
    from rollout.workflows.inventory import Premises
    from rollout.workflows.ports import StoredPlan
    from rollout.workflows.verify import Verified

MEMBERSHIPS = "memberships"
SHOWN = 20
LOOKS = 3
"""So often an account is read in which a run writes meanwhile."""


def verify(
    plan: Annotated[
        list[str] | None,
        typer.Argument(
            help="A plan's path, file stem or id; default: the newest.", show_default=False, metavar="PLAN"
        ),
    ] = None,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="Restore what the plan decided. --fix memberships also restores memberships removed by hand.",
        ),
    ] = False,
    account: Accounts = None,
    ou: Ous = None,
    override_gate: OverrideGates = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            metavar="TEXT",
            callback=free_text,
            help="Why the gate is overridden; recorded in the journal.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    defaults: Defaults = False,
    profile: Profile = None,
    yes: Yes = False,
    metrics: Annotated[
        Path | None,
        typer.Option(
            "--metrics",
            metavar="FILE",
            help="Also write the numbers as Prometheus text, for node_exporter's textfile collector.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check who is actually enforced, what drifted, who is new, and which exemption or release has expired.

    Example: [bold]rollout verify --json[/] every night: it exits with 0 if nothing has drifted, 3 on drift, 4 if some
    accounts could not be read. [bold]rollout verify --fix[/] fixes what needs no decision.
    """
    from rollout.domain.gates import GATES

    given = list(plan or ())
    memberships = fix and MEMBERSHIPS in given
    if memberships:
        given.remove(MEMBERSHIPS)
    if len(given) > 1:
        raise WrongUsage("verify takes one plan", cure="usage: rollout verify [PLAN] [--fix [memberships]]")
    if override_gate and not fix:
        raise WrongUsage("--override-gate needs --fix", cure="without --fix, nobody is enforced")
    overrides = overrides_of(override_gate, reason, GATES)
    settings = read_deciding_settings(config, defaults=defaults)
    # What cannot be trusted is shown; but nobody is put back under the policy because of it.
    doubts = Doubts()
    live, where = go_live(settings, profile, None if fix else doubts)
    stored = live.files.plans.load(given[0] if given else None, where.organization.id)
    run = live.new_run()
    look = _Look(live, where, stored, selection(account, ou))
    found = look.verify(run)
    fixed = None
    if fix and found.calls_for_fix:
        tell_endpoints(live)
        _ask(found, memberships=memberships, yes=yes)
        fixed = look.fix(live.new_run(), overrides, memberships=memberships)
        found = look.verify(live.new_run())
    if not (account or ou):
        header = stored.header
        known = live.files.journal("look").progress(header.organization_id)
        keep_look(live.files, "verify", header, stored.accounts(), known, live.clock.now())
    if metrics:
        _write_metrics(metrics, found, stored, live.clock.now())
    if json:
        print_json(_as_json(found, fixed, doubts))
    else:
        _tell(found, fixed)
    doubts.tell_cures()
    if fixed is not None and fixed.interrupted:
        raise Interrupted(
            "interrupted; the journal contains what was done", cure="run the same command again"
        )
    if fixed is not None and fixed.refused is not None:
        raise fixed.refused
    in_part = bool(found.unreachable) or (fixed is not None and fixed.in_part)
    leave_with(
        {
            ExitCode.PLAN_REFUSED: doubts.altered,
            ExitCode.IN_PART: in_part,
            ExitCode.CHANGES_FOUND: not found.clean,
        }
    )


class _Look:
    """The checks of one command: before and after the fix."""

    def __init__(
        self,
        live: Live,
        where: Premises,
        stored: StoredPlan,
        chosen: Selection,
    ) -> None:
        """Read the service control policies, once for all looks."""
        self._live, self._where, self._stored, self._selection = live, where, stored, chosen
        self._levels = live.levels(where)
        self._basis = live.basis(where, self._levels)

    def verify(self, run: str) -> Verified:
        """Read every account, and compare it with the plan; where a run wrote meanwhile, read again."""
        from rollout.workflows.verify import verify as compare

        context = self._live.run_context(run, self._where, TerminalProgress(), rehearsal=False, locked=False)
        before = context.replay()
        self.inventory = self._read(self._selection, before)
        found = compare(self.inventory, self._stored, run=context, basis=self._basis, before=before)
        for _ in range(LOOKS - 1):
            if not found.overtaken:
                break
            before = context.replay()
            again = self._read(selection([*found.overtaken], None), before)
            self.inventory = self.inventory.with_newer(again)
            found = compare(self.inventory, self._stored, run=context, basis=self._basis, before=before)
        return found

    def _read(self, chosen: Selection, known: Progress) -> Inventory:
        from rollout.workflows.inventory import Look, take_inventory

        live = self._live
        looking = live.looking_with_care(self._where, TerminalProgress(), known)
        scope = live.settings.domain_scope()
        return take_inventory(Look(self._where, lambda: self._levels, looking, scope, chosen))

    def fix(self, run: str, overrides: Mapping[str, str], *, memberships: bool) -> RunResult:
        """Fix what the last check found, as far as the gates are open or overridden."""
        from rollout.workflows.verify import fix

        live = self._live
        gated = live.gated_by(self._stored, overrides)
        order = live.fix_order(self._where, gated, memberships=memberships)
        context = live.run_context(run, self._where, TerminalProgress())
        return fix(order, self.inventory, run=context, basis=self._basis, where=self._where)


def _write_metrics(file: Path, found: Verified, stored: StoredPlan, now: datetime) -> None:
    """Write the numbers as a whole file: the collector never sees half of one. Raises Unwritable."""
    from rollout.reporting import write_together
    from rollout.reporting.formats.prometheus import metrics, of_verify

    write_together(file.parent, {file.name: metrics(of_verify(found, stored.header, now))})


def _ask(found: Verified, *, memberships: bool, yes: bool) -> None:
    if found.clean:
        return  # nothing is written to AWS
    also = ", including memberships removed by hand" if memberships else ""
    err.print(
        f"{number_of(len(found.drifts), 'difference')} found. About to restore what the plan decided{also}; "
        "all users are judged again first."
    )
    confirm("Go on?", yes=yes)


def _tell(found: Verified, fixed: RunResult | None) -> None:
    if fixed is not None:
        out.print(f"Fixed with {number_of(fixed.writes, 'write')}; remaining:")
        for one in fixed.accounts:
            for left in one.left:
                out.print(f"{left.what} stays let out: {left.why}")
            for why in one.failed:
                err.print(f"Account {one.account.id}: {why}")
    rows = [(drift.kind, drift.account_id, drift.who, drift.text) for drift in found.drifts]
    if rows:
        out.print(table("Drift", ("what", "account", "who", "text"), rows))
        _tell_cures(found)
    for release in found.let_out:
        out.print(f"Let out: {release}")
    for account_id, reason in found.unreachable:
        err.print(f"Account {account_id} could not be read: {reason}")
    _tell_count(found.count)
    out.print(f"{number_of(len(found.drifts), 'difference')} in {number_of(found.accounts, 'account')}.")
    next_step(
        "repair what needs no decision: rollout verify --fix"
        if found.drifts and fixed is None
        else "run rollout verify again every night"
    )


def _tell_count(count: HeadCount) -> None:
    """Print how many users stand where; a release that AWS does not show counts for nothing."""
    released = sum(count.released.values())
    out.print(
        f"Of {number_of(count.placed, 'user')} whom rollout placed under the policy, {number_are(count.enforced)} "
        f"enforced in fact, {number_are(released)} released, {number_are(count.missing)} missing."
    )
    for let_out, users in sorted(count.released.items(), key=lambda item: item[0].text):
        out.print(f"  {users} released {let_out.text}; known because: {let_out.known_by}")
    if count.record_alone:
        out.print(f"  {count.record_alone} released on record alone: AWS does not show it")
    if count.strangers:
        out.print(f"  {count.strangers} more are enforced, and were not placed by rollout")
    if count.unread:
        out.print(f"  {count.unread} more were placed in accounts that could not be read")


def _tell_cures(found: Verified) -> None:
    """Print each cure on one unwrapped line: most are commands to paste."""
    cures: dict[tuple[str, str], list[str]] = {}
    for drift in found.drifts:
        cures.setdefault((drift.kind, drift.cause), []).append(drift.cure)
    for (kind, cause), commands in cures.items():
        out.print()
        out.print(f"{kind}: probably {cause}")
        distinct = list(dict.fromkeys(commands))
        for command in distinct[:SHOWN]:
            out.print(f"  cure: {command}")
        if len(distinct) > SHOWN:
            out.print(f"  and {len(distinct) - SHOWN} more: see --json")
    out.print()


def _count_as_json(count: HeadCount) -> dict[str, object]:
    released = [
        {
            "by": let_out.caller or None,
            "until": let_out.until.isoformat() if let_out.until else None,
            "known_by": str(let_out.known_by),
            "users": users,
        }
        for let_out, users in sorted(count.released.items(), key=lambda item: item[0].text)
    ]
    plain = {one.name: getattr(count, one.name) for one in fields(count)}
    return {**plain, "released": released}


def _as_json(found: Verified, fixed: RunResult | None, doubts: Doubts) -> dict[str, object]:
    return {
        "not_trusted": list(doubts.found),
        "clean": found.clean,
        "users": _count_as_json(found.count),
        "accounts": found.accounts,
        "drift": [asdict(drift) for drift in found.drifts],
        "let_out": list(found.let_out),
        "unreachable": [{"account": account, "reason": reason} for account, reason in found.unreachable],
        "fixed": None
        if fixed is None
        else [
            {
                "account": one.account.id,
                "writes": [type(change).__name__ for change in one.written],
                "stay_out": [{"who": left.what, "why": left.why} for left in one.left],
                "failed": one.failed,
            }
            for one in fixed.accounts
        ],
    }
