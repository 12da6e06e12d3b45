"""`rollout doctor`: checks the caller, the organization and the rights in each account, and prints cures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Accounts, Config, Json, Ous, Profile
from rollout.cli.running import leave_with
from rollout.cli.startup import read_settings, selection
from rollout.cli.terminal.console import TerminalProgress, bold, out, print_json, shortly, table
from rollout.errors import ExitCode

if TYPE_CHECKING:
    from rollout.domain.diagnosis.check import CheckResult, Diagnosis


def doctor(
    account: Accounts = None,
    ou: Ous = None,
    reading_only: Annotated[
        bool, typer.Option("--reading-only", help="Leave out the rights that only notify and enforce need.")
    ] = False,
    proving: Annotated[
        bool, typer.Option("--prove", help="Also check the rights that only rollout prove needs.")
    ] = False,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Check the credentials, the organization, the store, and the rights in every account. Writes nothing to AWS.

    Exits with 0 if nothing failed, 4 if some accounts failed, 1 if the caller, the organization or the store failed, 6
    if the organization is not the one in rollout.yaml, or something in the store was altered.

    Example: [bold]rollout doctor[/] before the first [bold]rollout plan[/]
    """
    from rollout.domain.diagnosis.check import CheckSection
    from rollout.wiring import Live
    from rollout.workflows.doctor import examine

    settings = read_settings(config)
    live = Live(settings, profile, endpoint_ok=endpoint_ok())
    order = live.doctor_order(selection(account, ou), reading_only=reading_only, proving=proving)
    diagnosis = examine(order, live.doctor_tools(TerminalProgress()))
    if json:
        print_json(_as_json(diagnosis))
    else:
        _tell(diagnosis)
    leave_with(
        {
            ExitCode.PLAN_REFUSED: diagnosis.other_organization or diagnosis.altered,
            ExitCode.ERROR: diagnosis.failed(
                CheckSection.CALLER, CheckSection.ORGANIZATION, CheckSection.STORE
            ),
            ExitCode.IN_PART: diagnosis.failed(CheckSection.ACCOUNT),
        }
    )


def _tell(diagnosis: Diagnosis) -> None:
    from rollout.domain.diagnosis.check import CheckSection, CheckState

    for section, title in (
        (CheckSection.CALLER, "Caller"),
        (CheckSection.ORGANIZATION, "\nOrganization"),
        (CheckSection.STORE, "\nStore"),
    ):
        checks = diagnosis.of(section)
        if checks:
            out.print(table(title, ("check", "state", "what"), _rows(checks)))
    accounts = diagnosis.of(CheckSection.ACCOUNT)
    if accounts:
        names = _asked(accounts)
        columns = ("account", "name", *names, "by")
        out.print(table("\nAccounts", columns, _by_account(accounts, names)))
    findings = [check for check in diagnosis.checks if check.state is not CheckState.OK]
    if findings:
        out.print()
        out.print(bold("Needs attention"))
    for check, where in _together(findings):
        at = f" in {shortly(where)}" if where else ""
        out.print()
        out.print(f"{check.state}: {check.name}{at}: {check.text}")
        _tell_cures(check.cures)
    out.print()
    out.print(_summary(diagnosis))


def _tell_cures(cures: Sequence[str]) -> None:
    if len(cures) == 1:
        out.print(f"  Cure: {cures[0]}")
    elif cures:
        out.print("  Cures:")
        for cure in cures:
            out.print(f"  - {cure}")


def _rows(checks: Iterable[CheckResult]) -> list[tuple[str, str, str]]:
    return [(check.name, str(check.state), check.text) for check in checks]


def _asked(checks: Iterable[CheckResult]) -> list[str]:
    """Name the checks that were made in any account, in their order."""
    from rollout.domain.diagnosis.account_checks import ACCOUNT_CHECKS

    made = {check.name for check in checks}
    return [check.name for check in ACCOUNT_CHECKS if check.name != "prove" or "prove" in made]


def _by_account(checks: Iterable[CheckResult], names: Sequence[str]) -> list[tuple[str, ...]]:
    """One line an account, with the worst state of each check; last, the role by which it was entered."""
    from rollout.domain.diagnosis.account_checks import ENTER
    from rollout.domain.diagnosis.check import CheckState

    found: dict[tuple[str, str], dict[str, CheckResult]] = {}
    for check in sorted(checks, key=lambda one: list(CheckState).index(one.state)):
        found.setdefault((check.account_id, check.account_name), {}).setdefault(check.name, check)
    rows = []
    for account, known in sorted(found.items()):
        states = (str(known[name].state) if name in known else "" for name in names)
        enter = known[ENTER.name]
        rows.append((*account, *states, enter.text if enter.state is CheckState.OK else ""))
    return rows


def _together(checks: Iterable[CheckResult]) -> list[tuple[CheckResult, list[str]]]:
    """Group equal results of several accounts; failures first."""
    from rollout.domain.diagnosis.check import CheckState

    found: dict[object, tuple[CheckResult, list[str]]] = {}
    for check in checks:
        same = replace(check, account_id="", account_name="")
        _, accounts = found.setdefault(same, (check, []))
        if check.account_id:
            accounts.append(f"{check.account_id} {check.account_name}")
    return sorted(found.values(), key=lambda one: one[0].state is not CheckState.FAILURE)


def _summary(diagnosis: Diagnosis) -> str:
    from rollout.domain.diagnosis.check import CheckState

    counts = {state: sum(check.state is state for check in diagnosis.checks) for state in CheckState}
    words = [
        f"{number} {state}{'s' * (number != 1 and state is not CheckState.OK)}"
        for state, number in counts.items()
    ]
    return f"Diagnosis: {diagnosis.state} ({', '.join(words)})"


def _as_json(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "state": str(diagnosis.state),
        "other_organization": diagnosis.other_organization,
        "altered": diagnosis.altered,
        "checks": [
            {name: value for name, value in asdict(check).items() if value != ""}
            for check in diagnosis.checks
        ],
    }
