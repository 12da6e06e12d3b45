"""Runs the command line; every foreseeable bad ending becomes one clear message and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from traceback import format_exception
from types import TracebackType

from rollout.errors import ExitCode
from rollout.visible_text import visible


def main() -> None:
    """Run `rollout` and leave with its exit code."""
    # SIGTERM ends a command as Ctrl-C does. Commands that write ask for both to be handled with more care.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.excepthook = _show_traceback
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that cannot be shown stops nobody
    try:
        from rollout.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)  # noqa: T201 - what could say it better may not be imported yet
        code = ExitCode.INTERRUPTED
    _flush()
    sys.exit(code)


def _show_traceback(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print what nobody foresaw; its text too may come from outside."""
    lines = "".join(format_exception(kind, error, traceback)).split("\n")
    sys.stderr.write("\n".join(visible(line) for line in lines))


def _flush() -> None:
    """Hand over what is left to say; a reader that has gone (`| head`) is no error."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
