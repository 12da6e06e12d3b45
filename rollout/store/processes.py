"""Tells whether the process that holds a lock has ended, so that a dead run's lock can be taken over."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SEPARATOR = " / "
_PARTS = 4


def process_start(pid: int) -> str:
    """Identify a process beyond its PID: by its start time, boot, PID namespace and machine.

    Empty when the process does not exist or cannot be inspected. Without /proc, it is only the start time.
    """
    try:
        ticks = _stat(pid)[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except (OSError, IndexError, ValueError):
        return "" if Path("/proc/self/stat").exists() else _start_by_ps(pid)
    return _SEPARATOR.join((ticks, boot, namespace, _machine()))


def is_gone(pid: int, start: str, my_start: str) -> bool:
    """Tell whether a process on a host of this name has certainly ended; in doubt, answer False.

    `start` is the lock holder's `process_start`, `my_start` that of this process. Two containers, or two machines, may
    have the same host name, and cannot see each other's processes.
    """
    theirs, mine = start.split(_SEPARATOR), my_start.split(_SEPARATOR)
    if len(theirs) == len(mine) == _PARTS:
        _, boot, namespace, machine = theirs
        _, my_boot, my_namespace, my_machine = mine
        if boot != my_boot:  # if this is the same machine, it has rebooted since
            return bool(machine) and machine == my_machine
        if namespace != my_namespace:
            return False
    if not _is_running(pid):
        return True
    found = process_start(pid)
    return bool(start and found) and found != start


def is_alive(pid: int, start: str, my_start: str) -> bool:
    """Tell whether a process of this host's name runs for sure: one that this process can see, with that very start.

    Arguments are as in `is_gone`; both are False where nothing is known.
    """
    theirs, mine = start.split(_SEPARATOR), my_start.split(_SEPARATOR)
    return (
        theirs[1:] == mine[1:]
        and bool(start)
        and process_start(pid) == start
        and not is_gone(pid, start, my_start)
    )


def _is_running(pid: int) -> bool:
    if pid <= 0:  # kill() would address whole process groups
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    try:
        return _stat(pid)[0] not in {"Z", "X"}  # dead, but not yet reaped by its parent
    except (OSError, IndexError):
        return True


def _stat(pid: int) -> list[str]:
    """Read /proc/PID/stat from field 3 on: the state is at index 0, the start time at index 19.

    Field 2 is the program's name, which may contain anything, including ")" and spaces.
    """
    return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()


def _machine() -> str:
    try:
        return Path("/etc/machine-id").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _start_by_ps(pid: int) -> str:
    command = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed program and a number
            command, capture_output=True, text=True, timeout=5, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
