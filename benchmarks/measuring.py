"""Runs a command in a process of its own, and tells what it took: wall time, CPU, and memory of all its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.organization_answers import ORGANIZATION

ROOT = Path(__file__).parents[1]
SETTINGS = f"""\
version: 1
organization: {ORGANIZATION}
access: {{roles: [OrganizationAccountAccessRole]}}
gates: {{lead_time: 0d, soak: 0d, failure_tolerance: {{count: 100000, percent: 100}}}}
waves: [{{name: all}}]
notify: {{channel: outbox, outbox: outbox, outbox_counts: true, zone: UTC, find: [{{tag: email}}]}}
"""
EVERY = 0.1
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds, CPU seconds, and MB at the peak of the tree of its processes."""

    seconds: float
    cpu: float
    peak: float


class Failed(Exception):
    """A command ended as it should not have."""


@dataclass(frozen=True)
class StandIn:
    """A stand-in that runs in a process of its own."""

    environment: Mapping[str, str]
    process: int

    def control(self, what: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Ask it for something, or to do something (`benchmarks/stand_in.py`)."""
        url = f"{self.environment['AWS_ENDPOINT_URL']}/control/{what}"
        with urllib.request.urlopen(url, None if body is None else json.dumps(body).encode()) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def calls(self) -> Counter[str]:
        return Counter(self.control("counts")["calls"])


@contextmanager
def stand_in(accounts: int, users: int, *options: str) -> Iterator[StandIn]:
    """Start a stand-in, and end it after the block."""
    words = [
        sys.executable,
        "-m",
        "benchmarks.stand_in",
        "--accounts",
        str(accounts),
        "--users",
        str(users),
        *options,
    ]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(6)]
        yield StandIn(dict(line.split("=", 1) for line in lines), process.pid)
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Place:
    """A folder with settings, in which commands are run against a stand-in."""

    folder: Path
    aws: StandIn

    def product(self, *words: str, ends_with: Sequence[int] = (0,)) -> Cost:
        """Run `rollout …`. Raises Failed."""
        return self._measured("rollout", words, ends_with)

    def floor(self, name: str) -> Cost:
        """Run the floor of a command. Raises Failed."""
        return self._measured("benchmarks.floors", (name,), (0,))

    def _measured(self, module: str, words: Sequence[str], ends_with: Sequence[int]) -> Cost:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ROLLOUT_"))
        }
        environment |= {**self.aws.environment, "PYTHONPATH": str(ROOT), "AWS_CONFIG_FILE": os.devnull}
        environment |= {
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        log = self.folder / "log.txt"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )
        try:
            cost, code = watched(process)
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code not in ends_with:
            raise Failed(f"{module} {' '.join(words)} ended with {code}: {log.read_text()[-2000:]}")
        return cost


def watched(process: subprocess.Popen[bytes]) -> tuple[Cost, int]:
    """Wait for the end of a process, and look at its tree meanwhile. Return its cost and exit code."""
    began, peak = time.monotonic(), 0
    spent: dict[int, float] = {}
    tree = psutil.Process(process.pid)
    while True:
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        now = 0
        for one in _tree(tree):
            try:
                now += one.memory_info().rss
                times = one.cpu_times()
            except psutil.Error:  # it has just ended
                continue
            spent[one.pid] = times.user + times.system
        peak = max(peak, now)
        time.sleep(min(EVERY, 0.01 + (time.monotonic() - began) / 20))
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    # Of processes that nobody waited for, only the looks tell.
    cpu = max(used.ru_utime + used.ru_stime, sum(spent.values()))
    return Cost(seconds, cpu, max(peak, used.ru_maxrss << 10) / 2**20), process.returncode


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


@contextmanager
def place(accounts: int, users: int, *options: str) -> Iterator[Place]:
    """Start a stand-in of that size, and make a folder for commands."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as made, stand_in(accounts, users, *options) as aws:
        (Path(made) / "rollout.yaml").write_text(SETTINGS)
        yield Place(Path(made), aws)
