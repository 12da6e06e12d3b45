"""One operator at a time: who comes second is told who is first; a dead one keeps nobody waiting."""

import json
import os
import stat
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rollout.adapters.store import processes
from rollout.adapters.store.locks import FolderLock
from rollout.adapters.store.processes import is_gone, process_start
from rollout.errors import LockHeld, Unwritable
from tests.builders import NOW, ORGANIZATION

PURPOSE = "apply --stage enforce"


class Clock:
    """Fills `Clock`."""

    def now(self) -> datetime:
        return NOW


def a_lock(root: Path, **who: Any) -> FolderLock:
    me: dict[str, Any] = {
        "owner": "ana",
        "host": "laptop",
        "pid": os.getpid(),
        "process_start": process_start(os.getpid()),
    }
    return FolderLock(root, clock=Clock(), **(me | who))


def lock_file(root: Path) -> Path:
    return root / ".rollout" / "locks" / f"{ORGANIZATION}.lock"


def left_behind(root: Path, **content: Any) -> None:
    """A lock file as a process leaves it that was killed."""
    lock_file(root).parent.mkdir(parents=True, exist_ok=True)
    here = process_start(os.getpid()).partition(" / ")[2]
    known = {
        "owner": "bob",
        "host": "laptop",
        "pid": a_dead_pid(),
        "process_start": f"1 / {here}",
        "since": NOW.isoformat(),
        "purpose": "apply --stage notify",
        "token": "bob-1",
    }
    lock_file(root).write_text(json.dumps(known | content))


def a_dead_pid() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_a_lock_stands_for_as_long_as_the_block(tmp_path):
    lock = a_lock(tmp_path)
    assert not lock.still_held()
    with lock.hold(ORGANIZATION, PURPOSE):
        assert lock.still_held()
        assert stat.S_IMODE(lock_file(tmp_path).stat().st_mode) == 0o600

    assert not lock.still_held()
    assert not lock_file(tmp_path).exists()


def test_it_goes_away_when_the_block_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        _ = 1 // 0

    assert not lock_file(tmp_path).exists()


def test_the_second_is_told_who_is_first_where_since_when_and_why(tmp_path):
    with (
        a_lock(tmp_path).hold(ORGANIZATION, PURPOSE),
        pytest.raises(LockHeld) as refused,
        a_lock(tmp_path, owner="bob").hold(ORGANIZATION, "rollback"),
    ):
        pass

    for said in (ORGANIZATION, "ana", "laptop", str(os.getpid()), "2026-11-24 09:00 UTC", PURPOSE):
        assert said in str(refused.value)
    assert "rollout unlock" in refused.value.cure
    assert refused.value.exit_code == 5


def test_organizations_do_not_wait_for_each_other(tmp_path):
    with a_lock(tmp_path).hold(ORGANIZATION, PURPOSE), a_lock(tmp_path).hold("o-other", PURPOSE):
        pass


def test_the_same_process_may_take_it_again_afterwards(tmp_path):
    lock = a_lock(tmp_path)
    for _ in range(2):
        with lock.hold(ORGANIZATION, PURPOSE):
            pass


def test_a_name_that_could_leave_the_folder_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="no organization id"), a_lock(tmp_path).hold("../x", PURPOSE):
        pass


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / ".rollout").write_text("in the way")

    with pytest.raises(Unwritable), a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        pass


# --- Dead and alive ---


def test_a_lock_of_a_dead_process_on_this_host_is_taken_over(tmp_path):
    left_behind(tmp_path)
    lock = a_lock(tmp_path)

    with lock.hold(ORGANIZATION, PURPOSE):
        assert lock.still_held()


def test_a_lock_whose_process_number_was_given_to_another_is_taken_over(tmp_path):
    left_behind(tmp_path, pid=os.getppid())

    with a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        pass


@pytest.mark.parametrize(
    "alive",
    [
        {"host": "server"},
        {"pid": os.getppid(), "process_start": process_start(os.getppid())},
        {"pid": 0},
        {"pid": -1},
        {"process_start": "1 / other-boot / pid:[1] / "},
        {"token": ""},
        {"since": "yesterday"},
        {"pid": "many"},
    ],
)
def test_in_doubt_a_holder_is_alive(tmp_path, alive):
    left_behind(tmp_path, **alive)

    with pytest.raises(LockHeld), a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_lock_file_that_cannot_be_read_still_counts(tmp_path, content):
    left_behind(tmp_path)
    lock_file(tmp_path).write_bytes(content)

    with pytest.raises(LockHeld, match="cannot be read"), a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        pass


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


# --- Losing it, breaking it ---


def test_who_lost_the_lock_sees_it_and_leaves_the_new_one_alone(tmp_path):
    first, second = a_lock(tmp_path), a_lock(tmp_path, owner="bob")
    with first.hold(ORGANIZATION, PURPOSE):
        former = second.break_open(ORGANIZATION)
        assert former
        assert former.owner == "ana"
        assert not first.still_held()
        with second.hold(ORGANIZATION, PURPOSE):
            assert not first.still_held()
            assert second.still_held()
            newcomer = second.holder(ORGANIZATION)

    left_behind(tmp_path)
    assert newcomer
    assert newcomer.owner == "bob"


def test_releasing_leaves_a_foreign_lock_in_place(tmp_path):
    with a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        left_behind(tmp_path)

    assert json.loads(lock_file(tmp_path).read_text())["owner"] == "bob"


def test_breaking_what_is_not_there_makes_nothing(tmp_path):
    assert a_lock(tmp_path).break_open(ORGANIZATION) is None
    assert a_lock(tmp_path).holder(ORGANIZATION) is None
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_read_can_be_broken(tmp_path):
    left_behind(tmp_path)
    lock_file(tmp_path).write_bytes(b"{")

    assert a_lock(tmp_path).break_open(ORGANIZATION)
    with a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        pass


# --- Contention ---

CONTENDER = """
import os, sys
from pathlib import Path
from rollout.errors import LockHeld
from tests.adapters.store.test_locks import ORGANIZATION, PURPOSE, a_lock
lock = a_lock(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
try:
    with lock.hold(ORGANIZATION, PURPOSE):
        print("held" if lock.still_held() else "lost", flush=True)
        sys.stdin.readline()
except LockHeld:
    print("refused", flush=True)
"""


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_processes_one_gets_it(tmp_path, stale):
    """Also when all of them find the same dead lock at once."""
    if stale:
        left_behind(tmp_path)
    contenders = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    def tell(process: subprocess.Popen[str]) -> None:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()

    def hear(process: subprocess.Popen[str]) -> str:
        assert process.stdout
        return process.stdout.readline().strip()

    assert ["ready"] * 4 == [hear(process) for process in contenders]
    for process in contenders:
        tell(process)
    answers = [hear(process) for process in contenders]
    for process, answer in zip(contenders, answers, strict=True):
        if answer == "held":
            tell(process)
        process.communicate(timeout=20)

    assert sorted(answers) == ["held", "refused", "refused", "refused"]
    assert not lock_file(tmp_path).exists()


def test_a_killed_holder_is_replaced_at_once(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", CONTENDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write("go\n")
    holder.stdin.flush()
    assert ["ready", "held"] == [holder.stdout.readline().strip() for _ in range(2)]
    with pytest.raises(LockHeld), a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        pass
    holder.kill()
    holder.communicate()

    with a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
        pass


@pytest.mark.parametrize("stale", [False, True])
def test_threads_never_hold_it_together(tmp_path, stale):
    if stale:
        left_behind(tmp_path)
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            try:
                with a_lock(tmp_path).hold(ORGANIZATION, PURPOSE):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except LockHeld:
                continue

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(most) == {1}
