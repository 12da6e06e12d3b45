"""Runs one command line and turns its ending into an exit code (DESIGN §3)."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import typer

from rollout.cli.console import err
from rollout.errors import RolloutError

WRONG_USAGE, INTERRUPTED = 2, 130


def run_command(main: Callable[..., object], arguments: Sequence[str]) -> int:
    """Run a command by its `main` and answer its exit code; what is a bug keeps its traceback."""
    try:
        with _handlers_kept():
            code = main(args=list(arguments), prog_name="rollout", standalone_mode=False)
    except typer.TyperException as error:
        _show(error)
        return WRONG_USAGE
    except RolloutError as error:
        _say(error)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except SystemExit:
        code = 0  # whoever read our help has left (`| head`)
    if code == INTERRUPTED:
        err.print("Interrupted.")
    return code if isinstance(code, int) else 0


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Give SIGINT and SIGTERM back their handlers: `rollout demo` runs one command after the other."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(error: typer.TyperException) -> None:
    show = getattr(error, "show", None)
    if show is None:
        err.print(f"Error: {error}", markup=False)
        return
    with suppress(SystemExit, BrokenPipeError):  # nobody reads it
        show()


def _say(error: RolloutError) -> None:
    err.print(f"Error: {error}", markup=False)
    if error.cure:
        err.print(f"  Cure: {error.cure}", markup=False)
