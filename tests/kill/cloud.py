"""The harness's side of the AWS in another process: starts it, tells it what weather it is, asks what it saw."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.kill.server import CONTROL, Write
from tests.kill.weather import Trouble

ROOT = Path(__file__).parents[2]


class Cloud:
    """One running server."""

    def __init__(self, port: int, organization: str, environment: Mapping[str, str]) -> None:
        self.port, self.organization, self.environment = port, organization, environment

    @classmethod
    @contextmanager
    def start(cls, description: Path) -> Iterator[Cloud]:
        """Start a server of the described organization; it ends with the block, or with this process."""
        command = [sys.executable, "-m", "tests.kill.server", str(description)]
        with (
            description.with_suffix(".server.log").open("ab") as log,
            subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            ) as process,
        ):
            assert process.stdin
            assert process.stdout
            try:
                place = json.loads(process.stdout.readline())
                yield cls(place["port"], place["organization"], place["environment"])
            finally:
                process.stdin.close()
                process.wait(10)

    def weather(self, seed: int | None) -> None:
        """Let it be bad from now on, or calm."""
        self._ask("weather", {"seed": seed})

    def trap(self, pid: int, write: int, *, after: bool) -> None:
        """Kill a process at its so-many-th write from now."""
        self._ask("trap", {"pid": pid, "countdown": write, "after": after})

    def disarm(self) -> None:
        """Kill nobody."""
        self._ask("trap", {})

    def advance(self, time: timedelta) -> None:
        """Let time pass in the organization."""
        self._ask("advance", {"seconds": time.total_seconds()})

    def state(self) -> dict[str, Any]:
        """All that our writes could change, account by account."""
        state: dict[str, Any] = self._ask("state")
        return state

    def writes(self) -> list[Write]:
        """Every write that was ever seen, in order."""
        return [
            Write(**{**write, "target": tuple(write["target"]), "trouble": Trouble(write["trouble"])})
            for write in self._ask("writes")
        ]

    def troubles(self) -> dict[Trouble, int]:
        """How many requests met what."""
        return {Trouble(name): count for name, count in self._ask("troubles").items()}

    def _ask(self, order: str, told: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", CONTROL + order, json.dumps(told) if told is not None else None)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()
