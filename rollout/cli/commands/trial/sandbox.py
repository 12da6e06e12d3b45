"""Implements `rollout sandbox`: an AWS organization on this machine that keeps running between commands."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.terminal.console import echo, err, next_step, out
from rollout.cli.terminal.help_text import described, unwrapped
from rollout.errors import MissingExtra, WrongUsage
from rollout.installation import how_to_add

if TYPE_CHECKING:
    from types import ModuleType

    from rollout.sandbox.serving.process import KeptSandbox

VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "ROLLOUT_CONFIG",
)
"""What the exports of `start` set."""

app = typer.Typer(
    no_args_is_help=True,
    help=unwrapped("""Run an AWS organization on this machine, to try everything.

    Example: [bold]eval "$(rollout sandbox start)"[/], then [bold]rollout plan[/], and at the end
    [bold]rollout sandbox stop[/]"""),
)


def start() -> None:
    """Start the sandbox, and print the exports that point AWS tools and rollout at it.

    Example: [bold]eval "$(rollout sandbox start)"[/]
    """
    kept = process().start_kept(Path.cwd(), datetime.now(UTC))
    err.print(f"Organization {kept.organization_id} runs at {kept.endpoint} (process {kept.pid})")
    print_exports(kept)
    next_step("rollout plan")


def stop() -> None:
    """Stop the sandbox, and print the lines that make a shell forget it. Plans and journal remain.

    Example: [bold]eval "$(rollout sandbox stop)"[/]
    """
    stopped = process().stop_kept(Path.cwd())
    err.print("Stopped." if stopped else "No sandbox is running for this folder.")
    # In a shell that still has them, every command would look for the sandbox that is gone.
    known = any(name in os.environ for name in VARIABLES)
    if stopped or known:
        echo(f"unset {' '.join(VARIABLES)}")
    if known:
        next_step("let this shell forget the sandbox by the line above")


def advance(
    span: Annotated[str, typer.Argument(help="How far to advance: 14d, 12h or 30m.", metavar="SPAN")],
) -> None:
    """Move the sandbox's clock forward, so that lead times and soaks pass at once.

    Example: [bold]rollout sandbox advance 14d[/]
    """
    from rollout.settings.durations import parse_duration

    try:
        by = parse_duration(span)
    except ValueError as error:
        raise WrongUsage(f"{error}", cure="for example: rollout sandbox advance 14d") from error
    now = process().advance_kept(Path.cwd(), by)
    out.print(f"The sandbox's clock is now {now:%Y-%m-%d %H:%M} UTC.")
    next_step("see which waves are due now: rollout status")


for _command in (start, stop, advance):
    app.command(help=described(_command))(_command)


def print_exports(kept: KeptSandbox) -> None:
    """Print shell lines that point boto3, the AWS CLI and rollout at the sandbox."""
    for name, value in sorted(kept.environment.items()):
        echo(f"export {name}={shlex.quote(value)}")
    echo("unset AWS_PROFILE AWS_SESSION_TOKEN")


def process() -> ModuleType:
    """Import the sandbox's process module. Raises MissingExtra."""
    try:
        from rollout.sandbox.extra import require_extra
        from rollout.sandbox.serving import process as module

        require_extra()
    except ImportError as error:
        raise MissingExtra(f"{error}", cure=how_to_add("sandbox")) from error
    return module
