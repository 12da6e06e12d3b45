"""Assembles the commands into the application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated

import typer

from rollout import __version__
from rollout.cli.commands import (
    apply,
    approve,
    doctor,
    explain,
    init,
    inventory,
    notices,
    plan,
    policy,
    release,
    report,
    rollback,
    show,
    status,
    store,
    verify,
)
from rollout.cli.commands.proving import prove
from rollout.cli.commands.telling import acknowledge
from rollout.cli.commands.trial import demo, sandbox
from rollout.cli.endpoint_option import calling_aws, with_lists
from rollout.cli.running import run_command
from rollout.cli.terminal.console import echo, echo_lines
from rollout.cli.terminal.help_text import described, unwrapped

HELP = """Require MFA from every IAM user of an AWS Organization: check each user, notify, enforce in waves, undo.

    Example: [bold]rollout demo[/] shows everything on this machine, without an AWS account. In your own organization,
    start with [bold]rollout init[/] and [bold]rollout plan[/].
    """

app = typer.Typer(
    name="rollout",
    help=unwrapped(HELP),
    invoke_without_command=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init", help=described(init.init))(init.init)
app.command("doctor", help=described(doctor.doctor))(with_lists(calling_aws(doctor.doctor)))
app.command("inventory", help=described(inventory.inventory))(with_lists(calling_aws(inventory.inventory)))
app.command("plan", help=described(plan.plan))(with_lists(calling_aws(plan.plan)))
app.command("show", help=described(show.show))(with_lists(calling_aws(show.show)))
app.command("prove", help=described(prove.prove))(with_lists(calling_aws(prove.prove)))
app.command("apply", help=described(apply.apply))(with_lists(calling_aws(apply.apply)))
app.command("approve", help=described(approve.approve))(calling_aws(approve.approve))
app.command("status", help=described(status.status))(with_lists(calling_aws(status.status)))
app.command("notices", help=described(notices.notices))(calling_aws(notices.notices))
app.command("acknowledge", help=described(acknowledge.acknowledge))(calling_aws(acknowledge.acknowledge))
app.command("verify", help=described(verify.verify))(with_lists(calling_aws(verify.verify)))
app.command("release", help=described(release.release))(calling_aws(release.release))
app.command("rollback", help=described(rollback.rollback))(calling_aws(rollback.rollback))
app.command("unlock", help=described(store.unlock))(calling_aws(store.unlock))
app.command("seal", help=described(store.seal))(with_lists(calling_aws(store.seal)))
app.command("report", help=described(report.report))(calling_aws(report.report))
app.add_typer(policy.app, name="policy")
app.command("explain", help=described(explain.explain))(explain.explain)
app.command("demo", help=described(demo.demo))(demo.demo)
app.add_typer(sandbox.app, name="sandbox")


def _print_version(value: bool) -> None:
    if value:
        echo(f"rollout {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback prints the version
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        echo_lines(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    return run_command(_commands(), arguments)


@cache
def _commands() -> Callable[..., object]:
    """Make what typer makes of all commands only once: the demo, like the tests, runs many of them in one process."""
    return typer.main.get_command(app)
