"""Types `rollout …`, in this process or in one of its own, and looks at what a person would see of it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from rollout.awsapi.pace import A_SECOND, Pace
from rollout.awsapi.retries import Retries
from rollout.cli.app import run
from rollout.cli.terminal import console

ROOT = Path(__file__).parents[2]
READS = ("Get", "List", "Describe", "Generate", "AssumeRole", "Simulate", "Validate")


def unpaced(self: Retries, a_second: float = A_SECOND) -> Pace:
    """Make a pace that the embedded organization cannot reach, unless another than the usual one is asked for."""
    rate = 100 * A_SECOND if a_second == A_SECOND else a_second
    return Pace(self.sleep, self.monotonic, rate=rate, burst=rate)


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document that stdout is."""
        return json.loads(self.out)

    @property
    def errors(self) -> list[str]:
        """The lines of the error: what happened, and the cure."""
        lines = self.err.splitlines()
        first = next(number for number, line in enumerate(lines) if line.startswith("Error: "))
        return [line for line in lines[first:] if not line.startswith("  More: rollout explain ")]


class Shell:
    """Types commands in a folder, with an environment of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> Said:
        """Run in this process: quick, and the same code but for the very start."""
        out, err = io.StringIO(), io.StringIO()
        # A command that starts a sandbox points its whole process at it.
        with mock.patch.dict(os.environ), pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("AWS_ACCESS", "AWS_SECRET"))]:
                patch.delenv(name)
            for name, value in {**self.environment, **(env or {})}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO())  # no terminal
            patch.chdir(self.folder)
            patch.setattr(Retries, "pace", unpaced)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(words)
        return Said(code, out.getvalue(), err.getvalue())

    def really(self, *words: str, stdin: str = "", timeout: float = 120, **env: str) -> Said:
        """Run in a process of its own, without a terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "rollout", *words],
            cwd=self.folder,
            env=self.outside(env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def outside(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a process of its own."""
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        return {**os.environ, "PYTHONPATH": path, **self.environment, **(more or {})}

    def files(self) -> dict[str, bytes]:
        """Everything in the folder, with its content."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b""
            for path in sorted(self.folder.rglob("*"))
        }


@contextlib.contextmanager
def as_wide_as(columns: int) -> Iterator[None]:
    """Print as on a terminal of that width."""
    with pytest.MonkeyPatch.context() as patch:
        for stream in (console.out, console.err):
            patch.setattr(stream, "_width", columns)
            patch.setattr(stream, "by_words", True)
        yield


def hear_ctrl_c() -> None:
    """Let a new process hear Ctrl-C, also where the tests themselves run in the background and do not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Collect the names of the operations that the embedded organization answers, with their status."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    log, ear = logging.getLogger("rollout.sandbox.serving.gateway"), Ear()
    level = log.level
    log.addHandler(ear)
    log.setLevel(logging.INFO)
    try:
        yield heard
    finally:
        log.removeHandler(ear)
        log.setLevel(level)


def writes(heard: list[str]) -> list[str]:
    """Those of them that could have changed something; a request that nobody signed, as at the start, cannot."""
    return [line for line in heard if not line.startswith("? ") and not line.split()[1].startswith(READS)]
