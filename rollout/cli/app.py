"""Puts the commands together and turns every ending into an exit code (DESIGN §3)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click
import typer

from rollout import __version__
from rollout.cli import apply, demo, init, plan, policy, report, sandbox, show, status
from rollout.errors import RolloutError

INTERRUPTED = 130

app = typer.Typer(
    name="rollout",
    help="Bring MFA to every IAM user of an AWS Organization: judged first, told in time, wave by wave, undoable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init")(init.init)
app.command("plan")(plan.plan)
app.command("show")(show.show)
app.command("apply")(apply.apply)
app.command("status")(status.status)
app.command("report")(report.report)
app.add_typer(policy.app, name="policy")
app.command("demo")(demo.demo)
app.add_typer(sandbox.app, name="sandbox")


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"rollout {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version and leave.",
    ),
) -> None:
    pass


def run(arguments: Sequence[str]) -> int:
    """Run one command line and answer its exit code; what is a bug keeps its traceback."""
    try:
        code = app(list(arguments), standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return 0
    except click.ClickException as error:
        error.show()
        return 2
    except RolloutError as error:
        _say(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _say(error: RolloutError) -> None:
    click.echo(f"Error: {error}", err=True)
    if error.cure:
        click.echo(f"  Cure: {error.cure}", err=True)
