"""Serves the stand-in for AWS (`benchmarks/stand_in.py`) from a thread of the test's process."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.iam_answers import Iam
from benchmarks.measuring import SETTINGS
from benchmarks.organization_answers import Organizations
from benchmarks.stand_in import Answering, Conditions, environment, listen
from tests.cli.shell import Shell


@contextmanager
def serving(accounts: int, users: int) -> Iterator[Answering]:
    """Serve an organization; the variables of this process name it while the block runs."""
    now = datetime.now(UTC).replace(microsecond=0)
    organizations = Organizations(accounts, now)
    answering = Answering(organizations, Iam(users, 1, now, now), Conditions())
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(listen(answering, 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(server.sockets[0].getsockname()[1], organizations.management).items():
            patch.setenv(name, value)
        yield answering
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    for transport in answering.connections:
        transport.abort()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def shell_in(folder: Path) -> Shell:
    """Type commands in a folder, against the stand-in that is served."""
    (folder / "rollout.yaml").write_text(SETTINGS)
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    return Shell(folder, {name: os.environ[name] for name in names})


def control(what: str, body: object = None) -> Any:
    """Ask the stand-in for something by HTTP, as a benchmark does."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/control/{what}", data) as answer:
        return json.loads(answer.read())
