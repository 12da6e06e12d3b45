"""Runs one command line and turns its result or error into an exit code (design.md#commands)."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from types import FrameType

import typer

from rollout.cli.terminal.console import LogLines, err, show_whole_lists
from rollout.errors import ExitCode, RolloutError, gravest


def run_command(main: Callable[..., object], arguments: Sequence[str]) -> int:
    """Run a command through its `main` and return its exit code; an unexpected exception keeps its traceback."""
    try:
        logging.lastResort = LogLines(logging.WARNING)
        show_whole_lists(whole=True)
        with _handlers_kept():
            try:
                code = main(args=list(arguments), prog_name="rollout", standalone_mode=False)
            finally:
                while _put_off:
                    _put_off.pop()()
    except typer.TyperException as error:
        _show(error)
        return ExitCode.WRONG_USAGE
    except RolloutError as error:
        _say(error)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = ExitCode.INTERRUPTED
    except SystemExit:
        code = 0  # the reader of the help text has closed the pipe (`| head`)
    if code == ExitCode.INTERRUPTED:
        err.print("Interrupted.")
    return code if isinstance(code, int) else 0


def leave_with(found: Mapping[ExitCode, bool]) -> None:
    """End the command with the gravest code that holds; go on where none does. Raises typer.Exit."""
    code = gravest(found)
    if code is not ExitCode.DONE:
        raise typer.Exit(code)


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Handle SIGINT and SIGTERM, then restore their handlers: `rollout demo` runs several commands in one process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    _heard.clear()
    for number, handler in before.items():
        if handler is signal.default_int_handler:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_put_off: list[Callable[[], None]] = []


def afterwards(do: Callable[[], None]) -> None:
    """Do something once the command has done its work and said so, however it ends."""
    _put_off.append(do)


_heard: list[int] = []


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Recorded as well as raised: Python ignores an exception raised while it destroys an object.
    _heard.append(number)
    signal.default_int_handler(number, frame)


def interrupted() -> bool:
    """Tell whether this command was interrupted by SIGINT or SIGTERM."""
    return bool(_heard)


def _show(error: typer.TyperException) -> None:
    """Print how the command is used, and what is wrong; typer itself would print the arguments as they are."""
    if not error.format_message():
        return  # a group without a command has shown its help
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is not None:
        err.print(context.get_usage())
        err.print(f"Try '{context.command_path} --help' for help.")
        err.print()
    err.print(f"Error: {error.format_message()}")
    if close := _meant(error.format_message()):
        err.print(f"  Cure: did you mean {close}?")


def _meant(message: str) -> str:
    """Name the choice that is nearest to a value that is none, by typer's message; empty where none is near."""
    match = re.search(r"'([^']*)' is not one of (.*)", message)
    choices = re.findall(r"'([^']*)'", match[2]) if match else []
    near = [one for one in choices if match and one.startswith(match[1][:4].casefold())]
    return next(iter([*get_close_matches(match[1].casefold(), choices, n=1), *near] if match else []), "")


def _say(error: RolloutError) -> None:
    first, *more = error.lines
    err.print(f"Error: {first}")
    for line in more:
        err.print(line)
    if error.cure:
        err.print(f"  Cure: {error.cure}")
    if error.advice:
        err.print(f"  More: rollout explain {error.code()}")
