"""Says what each code means that a command prints: errors, reasons, gates, checks, drift, states, exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from rollout.domain.diagnosis import account_checks, caller_checks, organization_checks, store_checks
from rollout.domain.drift.drift_kinds import Drifted
from rollout.domain.gates import GATES
from rollout.domain.verdicts.verdict import Code
from rollout.errors import ExitCode, RolloutError, WrongUsage
from rollout.reporting.legend import legend


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one code means, what ends it where it is about something wrong, and the page that says more."""

    code: str
    kind: str
    meaning: str
    cure: str
    page: str


def explanations() -> Iterator[Explanation]:
    """Yield every code, each kind with its own; a name can occur in several kinds."""
    for error in errors():
        ends = f"Exit code {error.exit_code.value}: {error.exit_code.meaning}."
        meaning = " ".join((error.__doc__ or "").split())
        yield Explanation(
            error.code(), "error", f"{meaning} {ends}", error.advice, f"errors.md#{error.code()}"
        )
    for reason in Code:
        leads = f"Leads to the verdict {reason.leads_to}."
        yield Explanation(str(reason), "reason", f"{reason.meaning} {leads}", reason.cure or "", "reports.md")
    for gate in GATES:
        meaning = f"Passes when {gate.meaning}."
        cure = "wait: time alone opens it" if gate.opens_by_time else gate.cure.format(wave="W")
        yield Explanation(gate.name, "gate", meaning, cure, "gates.md")
    for drift in Drifted:
        cure = drift.cure.format(who="ARN", account_id="ID", detail="…")
        yield Explanation(str(drift), "drift", drift.meaning, cure, "undoing.md")
    for check in _checks():
        yield Explanation(check[0], "check", f"{check[1]} Fails when {check[2]}", "", "doctor.md")
    told = {"Reasons", "Gates of a wave"}
    for section in legend():
        if section.title not in told and not section.title.startswith("Columns"):
            for code, meaning in section.lines.items():
                yield Explanation(str(code), section.title.lower(), meaning, "", "reports.md")
    for ending in ExitCode:
        yield Explanation(str(ending.value), "exit code", ending.meaning, "", "design.md#commands")


def errors() -> Iterator[type[RolloutError]]:
    """Yield every class of errors.py, in its order."""
    waiting = [RolloutError]
    while waiting:
        found = waiting.pop(0).__subclasses__()
        yield from (error for error in found if error.__module__ == RolloutError.__module__)
        waiting += found


def _checks() -> Iterator[tuple[str, str, str]]:
    of_caller, of_organization = caller_checks.CALLER_CHECKS, organization_checks.ORGANIZATION_CHECKS
    yield from ((one.name, one.asks, one.fails_when) for one in (*of_caller, *of_organization))
    of_store, of_account = store_checks.STORE_CHECKS, account_checks.ACCOUNT_CHECKS
    yield from ((one.name, one.asks, one.fails_when) for one in (*of_store, *of_account))


def explained(code: str) -> list[Explanation]:
    """Return what a code means, in each kind that has it. Raises WrongUsage that names the nearest one."""
    known = list(explanations())
    if found := [one for one in known if one.code.casefold() == code.casefold()]:
        return found
    near = get_close_matches(code.casefold(), [one.code for one in known], n=1, cutoff=0.5)
    cure = f"did you mean {near[0]}?" if near else "`rollout explain` lists every code"
    raise WrongUsage(f"no code is named {code}", cure=cure)
