"""Runs the command line; every foreseeable bad ending becomes one clear message and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys

from rollout.errors import ExitCode


def main() -> None:
    """Run `rollout` and leave with its exit code."""
    # SIGTERM ends a command as Ctrl-C does. Commands that write ask for both to be handled with more care.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
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


def _flush() -> None:
    """Hand over what is left to say; a reader that has gone (`| head`) is no error."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
