"""Runs one command line and turns its ending into an exit code (DESIGN §3)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import typer

from rollout.errors import RolloutError

INTERRUPTED = 130


def run_command(main: Callable[..., object], arguments: Sequence[str]) -> int:
    """Run a command by its `main` and answer its exit code; what is a bug keeps its traceback."""
    try:
        code = main(args=list(arguments), prog_name="rollout", standalone_mode=False)
    except typer.TyperException as error:
        show = getattr(error, "show", None)
        if show is None:
            typer.echo(f"Error: {error}", err=True)
        else:
            show()
        return 2
    except RolloutError as error:
        _say(error)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _say(error: RolloutError) -> None:
    typer.echo(f"Error: {error}", err=True)
    if error.cure:
        typer.echo(f"  Cure: {error.cure}", err=True)
