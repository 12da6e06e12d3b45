"""`rollout doctor`: who am I, is this the right organization, what may be done in which account; each with its cure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.options import Accounts, Config, Json, Ous, Profile
from rollout.cli.running import leave_with
from rollout.cli.startup import read_settings, selection
from rollout.cli.terminal.console import TerminalProgress, out, print_json, shortly, table
from rollout.errors import ExitCode

if TYPE_CHECKING:
    from rollout.domain.diagnosis.check import Check, Diagnosis


def doctor(
    account: Accounts = None,
    ou: Ous = None,
    reading_only: Annotated[
        bool, typer.Option("--reading-only", help="Leave out the rights that only notify and enforce need.")
    ] = False,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Check credentials, organization, and the rights in every account. Writes nothing to AWS.

    Leaves with 0 when nothing failed, 4 when some accounts did, 1 when the caller or the organization did, 6 for
    another organization than rollout.yaml names.

    Example: [bold]rollout doctor[/] before the first [bold]rollout plan[/]
    """
    from rollout.domain.diagnosis.check import Section
    from rollout.wiring import Live
    from rollout.workflows.doctor import examine

    settings = read_settings(config)
    live = Live(settings, profile)
    order = live.doctor_order(selection(account, ou), reading_only=reading_only)
    diagnosis = examine(order, live.doctor_tools(TerminalProgress()))
    if json:
        print_json(_as_json(diagnosis))
    else:
        _tell(diagnosis)
    leave_with(
        {
            ExitCode.PLAN_REFUSED: diagnosis.other_organization,
            ExitCode.ERROR: diagnosis.failed(Section.CALLER, Section.ORGANIZATION),
            ExitCode.IN_PART: diagnosis.failed(Section.ACCOUNT),
        }
    )


def _tell(diagnosis: Diagnosis) -> None:
    from rollout.domain.diagnosis.check import Section

    for section, title in ((Section.CALLER, "Caller"), (Section.ORGANIZATION, "\nOrganization")):
        checks = diagnosis.of(section)
        if checks:
            out.print(table(title, ("check", "state", "what"), _rows(checks)))
    accounts = diagnosis.of(Section.ACCOUNT)
    if accounts:
        out.print(
            table(
                "\nAccounts",
                ("account", "name", "enter", "read", "write", "quotas", "by"),
                _by_account(accounts),
            )
        )
    findings = [check for check in diagnosis.checks if check.state != "ok"]
    if findings:
        out.print("\n[bold]To look at[/]")
    for check, where in _together(findings):
        at = f" in {shortly(where)}" if where else ""
        out.print(f"\n{check.state}: {check.name}{at}: {check.text}", markup=False)
        _tell_cures(check.cures)
    out.print(f"\n{_summary(diagnosis)}", markup=False)


def _tell_cures(cures: Sequence[str]) -> None:
    if len(cures) == 1:
        out.print(f"  Cure: {cures[0]}", markup=False)
    elif cures:
        out.print("  Cures:")
        for cure in cures:
            out.print(f"  - {cure}", markup=False)


def _rows(checks: Iterable[Check]) -> list[tuple[str, str, str]]:
    return [(check.name, str(check.state), check.text) for check in checks]


def _by_account(checks: Iterable[Check]) -> list[tuple[str, ...]]:
    """One line an account, each kind of check a word: the worst, where there are several."""
    worst = ("failure", "warning", "ok")
    found: dict[tuple[str, str], dict[str, Check]] = {}
    for check in checks:
        known = found.setdefault((check.account_id, check.account_name), {})
        if check.name not in known or worst.index(check.state) < worst.index(known[check.name].state):
            known[check.name] = check
    rows = []
    for account, known in found.items():
        words = (
            str(known[name].state) if name in known else "" for name in ("enter", "read", "write", "quotas")
        )
        enter = known["enter"]
        rows.append((*account, *words, enter.text if enter.state == "ok" else ""))
    return rows


def _together(checks: Iterable[Check]) -> list[tuple[Check, list[str]]]:
    """What many accounts share is said once, with all of them; failures first."""
    found: dict[object, tuple[Check, list[str]]] = {}
    for check in checks:
        same = replace(check, account_id="", account_name="")
        _, accounts = found.setdefault(same, (check, []))
        if check.account_id:
            accounts.append(f"{check.account_id} {check.account_name}")
    return sorted(found.values(), key=lambda one: one[0].state != "failure")


def _summary(diagnosis: Diagnosis) -> str:
    counts = {
        state: sum(check.state == state for check in diagnosis.checks)
        for state in ("failure", "warning", "ok")
    }
    words = [f"{number} {state}{'s' * (number != 1 and state != 'ok')}" for state, number in counts.items()]
    return f"Diagnosis: {diagnosis.state} ({', '.join(words)})"


def _as_json(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "state": str(diagnosis.state),
        "other_organization": diagnosis.other_organization,
        "checks": [
            {name: value for name, value in asdict(check).items() if value != ""}
            for check in diagnosis.checks
        ],
    }
