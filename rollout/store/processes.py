"""Tells whether the process that left a lock behind still runs; in doubt it does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SEPARATOR = " / "
_PARTS = 4


def process_start(pid: int) -> str:
    """Tell a process from a later one of the same number: its start, boot, pid namespace and machine.

    Empty where there is no such process, or nothing can be known of it. Without /proc it is the start alone.
    """
    try:
        ticks = _stat(pid)[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except (OSError, IndexError, ValueError):
        return "" if Path("/proc/self/stat").exists() else _start_by_ps(pid)
    return _SEPARATOR.join((ticks, boot, namespace, _machine()))


def is_gone(pid: int, start: str, my_start: str) -> bool:
    """Tell whether a process of this host's name is dead for sure; `start` is what it said of itself, `my_start` ours.

    Two containers may share a name, and one cannot see the other's processes; so may two machines.
    """
    theirs, mine = start.split(_SEPARATOR), my_start.split(_SEPARATOR)
    if len(theirs) == len(mine) == _PARTS:
        _, boot, namespace, machine = theirs
        _, my_boot, my_namespace, my_machine = mine
        if boot != my_boot:  # the machine was started anew since, if it is the same machine
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
    if pid <= 0:  # kill() would speak to whole groups of processes
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    try:
        return _stat(pid)[0] not in {"Z", "X"}  # dead, and only not yet buried by its parent
    except (OSError, IndexError):
        return True


def _stat(pid: int) -> list[str]:
    """Read fields 3 and on of /proc/PID/stat: state first, start time at 19.

    Field 2 is the program's name, which may hold anything, ")" and spaces too.
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
