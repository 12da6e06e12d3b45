"""Keeps a sandbox running between commands, in its own process, which later commands find by a state file."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import rollout
from rollout.errors import SandboxFailure, Unwritable
from rollout.files.bounded_files import SMALL
from rollout.sandbox.extra import require_extra
from rollout.sandbox.serving.kept_state import (
    LOG,
    PREFIX,
    SETTINGS,
    TOKEN_HEADER,
    KeptState,
    forget_state,
    private_folder,
    read_state,
    write_private,
)
from rollout.sandbox.world.blueprint import read_blueprint
from rollout.sandbox.world.settings_file import settings_text

_START_WITHIN = 60.0  # seconds; on a cold disk, moto alone may take ten
_STOP_WITHIN = 10.0
_ANSWER_WITHIN = 5.0
_STEP = 0.05
# The processes started by this one: they may outlive it, but must be reaped if they end first.
_STARTED: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class KeptSandbox:
    """A sandbox in its own process, and how to reach it."""

    endpoint: str
    environment: Mapping[str, str]
    organization_id: str
    pid: int
    config: Path


def start_kept(folder: Path, now: datetime, *, instance: str | None = None) -> KeptSandbox:
    """Start a sandbox that outlives this command, and write its state and settings to `.rollout/`."""
    require_extra()
    if find_kept(folder) is not None:
        raise SandboxFailure(
            f"a sandbox is already running for {folder.resolve()}",
            cure="use it, or stop it with `rollout sandbox stop`",
        )
    chosen = instance or secrets.token_hex(8)
    try:
        private = private_folder(folder)
    except OSError as error:
        raise Unwritable(
            f"cannot write to {folder.resolve()}: {error.strerror}", cure="work in another folder"
        ) from error
    forget_state(folder)
    process = _spawn(folder.resolve(), private / LOG, now, chosen)
    try:
        state = _awaited(folder, process, private / LOG)
    except BaseException:  # an interrupted start must not leave an unknown process behind
        process.kill()
        process.wait()
        forget_state(folder)
        raise
    text = settings_text(chosen, read_blueprint(now), now)
    write_private(private / SETTINGS, text)
    return _kept(folder, state)


def find_kept(folder: Path) -> KeptSandbox | None:
    """Find the sandbox of a folder; None when its process has ended, or another program uses its port."""
    state = read_state(folder)
    return _kept(folder, state) if state and _is_alive(state) else None


def advance_kept(folder: Path, delta: timedelta) -> datetime:
    """Move the clock of a running sandbox forward, and return its new time."""
    state = read_state(folder)
    answer = _asked(state, "POST", "advance", str(delta.total_seconds())) if state else None
    if answer is None:
        raise SandboxFailure(
            f"no sandbox is running for {folder.resolve()}", cure="start one with `rollout sandbox start`"
        )
    if "error" in answer:
        raise SandboxFailure(f"the sandbox's clock did not move: {answer['error']}")
    return datetime.fromisoformat(answer["now"])


def stop_kept(folder: Path) -> bool:
    """Ask the sandbox of a folder to end itself, and tell whether one was running. Raises SandboxFailure.

    The state file may be old or forged: no process is ended by the number in it.
    """
    state = read_state(folder)
    if state is None or not _is_alive(state) or _asked(state, "POST", "stop") is None:
        forget_state(folder)
        return False
    deadline = time.monotonic() + _STOP_WITHIN
    while _runs(state.pid):
        if time.monotonic() > deadline:
            raise SandboxFailure(
                f"the sandbox was asked to stop, but process {state.pid} still runs",
                cure="look at that process; if it is `python -m rollout.sandbox`, end it by hand",
            )
        time.sleep(_STEP)
    forget_state(folder)
    return True


def _spawn(folder: Path, log: Path, now: datetime, instance: str) -> subprocess.Popen[bytes]:
    """Start the process in its own session, with a log file instead of a terminal."""
    root = str(Path(rollout.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "rollout.sandbox", "--folder", str(folder)]
    command += ["--now", now.isoformat(), "--instance", instance]
    log.touch(mode=0o600)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module, run by our own interpreter
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _STARTED[process.pid] = process
    return process


def _awaited(folder: Path, process: subprocess.Popen[bytes], log: Path) -> KeptState:
    """Wait until the process has written its state and responds. Raises SandboxFailure."""
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            raise SandboxFailure(
                f"the sandbox did not start: {last or f'exit code {process.returncode}'}", cure=f"see {log}"
            )
        state = read_state(folder)
        if state is not None and state.pid == process.pid and _is_alive(state):
            return state
        time.sleep(_STEP)
    raise SandboxFailure(f"the sandbox did not respond within {_START_WITHIN:.0f} seconds", cure=f"see {log}")


def _kept(folder: Path, state: KeptState) -> KeptSandbox:
    config = private_folder(folder) / SETTINGS
    return KeptSandbox(
        endpoint=state.environment["AWS_ENDPOINT_URL"],
        environment={**state.environment, "ROLLOUT_CONFIG": str(config)},
        organization_id=state.organization,
        pid=state.pid,
        config=config,
    )


def _is_alive(state: KeptState) -> bool:
    """Check over HTTP that the sandbox responds, since its process ID may belong to another process by now."""
    answer = _asked(state, "GET", "state")
    return answer is not None and answer.get("pid") == state.pid


def _asked(state: KeptState, method: str, what: str, body: str | None = None) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection("127.0.0.1", state.port, timeout=_ANSWER_WITHIN)
    try:
        connection.request(method, PREFIX + what, body=body, headers={TOKEN_HEADER: state.token})
        answer: dict[str, Any] = json.loads(connection.getresponse().read(SMALL.total))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    else:
        return answer
    finally:
        connection.close()


def _runs(pid: int) -> bool:
    """Tell whether a process is running; reap it if we started it and it has ended."""
    if pid in _STARTED:
        if _STARTED[pid].poll() is None:
            return True
        del _STARTED[pid]
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
