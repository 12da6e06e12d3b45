"""Defines the options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rollout.errors import WrongUsage
from rollout.visible_text import hidden_in


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
