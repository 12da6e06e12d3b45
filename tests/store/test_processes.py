"""Whether the process that left a lock behind still runs; in doubt it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rollout.store import processes
from rollout.store.processes import is_gone, process_start
from tests.store.places import a_dead_pid

HERE = "7 / boot-1 / pid:[1] / machine-1"


@pytest.mark.parametrize(
    ("theirs", "gone"),
    [
        (HERE, True),
        ("7 / boot-0 / pid:[1] / machine-1", True),  # this machine, before it was started anew
        ("7 / boot-0 / pid:[1] / machine-2", False),  # another machine of this name
        ("7 / boot-0 / pid:[1] / ", False),  # perhaps another machine
        ("7 / boot-1 / pid:[2] / machine-1", False),  # a container beside this one
        ("", True),  # nothing known but the number
    ],
)
def test_a_number_that_no_process_has(theirs, gone):
    assert is_gone(a_dead_pid(), theirs, HERE) == gone


def test_a_number_that_another_process_has_now():
    me = process_start(os.getpid())

    assert not is_gone(os.getpid(), me, me)
    assert is_gone(os.getpid(), f"1 / {me.partition(' / ')[2]}", me)
    assert not is_gone(os.getpid(), "", me)
    assert not is_gone(2**40, me, me)


def test_a_killed_process_that_nobody_has_buried_is_gone():
    zombie = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    start = process_start(zombie.pid)
    assert zombie.stdout
    zombie.stdout.read()
    zombie.stdout.close()
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    gone = is_gone(zombie.pid, start, process_start(os.getpid()))
    zombie.wait()

    assert gone


def test_without_proc_a_process_is_known_by_its_start(monkeypatch):
    def nothing(_pid):
        raise FileNotFoundError

    monkeypatch.setattr(processes, "_stat", nothing)
    assert process_start(os.getpid()) == ""  # /proc is there, this process is not

    monkeypatch.setattr(processes, "_start_by_ps", lambda pid: f"Tue Nov 24 09:00:00 2026 {pid}")
    monkeypatch.setattr(Path, "exists", lambda _path: False)
    me = process_start(os.getpid())
    assert me.startswith("Tue")
    assert not is_gone(os.getpid(), me, me)
    assert is_gone(os.getpid(), "Mon Nov 23 09:00:00 2026", me)
