"""Defines the options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.errors import WrongUsage
from rollout.visible_text import hidden_in

if TYPE_CHECKING:
    from rollout.domain.gates.gate import AnyGate


def free_text(option: typer.CallbackParam, text: str | None) -> str | None:
    """Refuse hidden characters in a text that will be recorded and shown to others. Raises WrongUsage.

    The callback of every option with the metavar TEXT.
    """
    if hidden := hidden_in(text or ""):
        raise WrongUsage(
            f"{option.opts[0]} has a hidden character: {hidden}", cure="write it as one line of visible text"
        )
    return text


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file; default: $ROLLOUT_CONFIG, else rollout.yaml in the current folder.",
        show_default=False,
    ),
]
Defaults = Annotated[
    bool,
    typer.Option("--defaults", help="Work without a settings file, on purpose: defaults and ROLLOUT_* only."),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="AWS profile to use; default: the credentials that boto3 finds.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking for confirmation.")]
ListUsers = Annotated[
    bool, typer.Option("--list", help="Also list every user behind the figures of the impact.")
]
PlanArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="PLAN", help="A plan's path, file stem or ID; default: the newest.", show_default=False
    ),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        metavar="GLOB",
        help="Only accounts whose ID or name matches this pattern; can be repeated.",
        show_default=False,
    ),
]
Ous = Annotated[
    list[str] | None,
    typer.Option(
        "--ou",
        metavar="GLOB",
        help="Only OUs whose path matches this pattern, and everything below; can be repeated.",
        show_default=False,
    ),
]
Users = Annotated[
    list[str] | None,
    typer.Option(
        "--user",
        metavar="GLOB",
        help="Only users whose ARN, name or UserId matches this pattern; can be repeated.",
        show_default=False,
    ),
]
EngineKind = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="KIND",
        help="Where accounts are read and judged: threads (of this machine) or dask (the workers of a cluster); "
        "default: engine.kind.",
        show_default=False,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="URL",
        help="The Dask scheduler, such as tcp://host:8786; default: engine.scheduler.",
        show_default=False,
    ),
]
OverrideGates = Annotated[
    list[str] | None,
    typer.Option(
        "--override-gate",
        metavar="GATE",
        help="Override this gate for the wave; requires --reason.",
        show_default=False,
    ),
]


def overrides_of(names: list[str] | None, reason: str | None, gates: Iterable[AnyGate]) -> dict[str, str]:
    """Return the reason by overridden gate. Raises WrongUsage."""
    known = [gate.name for gate in gates]
    for name in names or ():
        if name not in known:
            raise WrongUsage(f'there is no gate "{name}"', cure=f"gates: {', '.join(known)}")
    if names and not reason:
        raise WrongUsage("--override-gate needs --reason", cure='give one: --reason "…"; it is journalled')
    return dict.fromkeys(names or (), reason or "")
