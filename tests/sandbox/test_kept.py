"""A sandbox that outlives the command that started it."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from rollout.errors import SandboxFailure, Unwritable
from rollout.sandbox.serving import process
from rollout.sandbox.serving.kept_state import KeptState, write_state
from rollout.sandbox.serving.process import KeptSandbox, advance_kept, find_kept, start_kept, stop_kept
from tests.sandbox.conftest import NOW
from tests.sandbox.connecting import client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def kept(folder: Path) -> Iterator[KeptSandbox]:
    yield start_kept(folder, NOW, instance="kept")
    stop_kept(folder)


def state_of(folder: Path) -> dict[str, object]:
    state: dict[str, object] = json.loads((folder / ".rollout" / "sandbox.json").read_text())
    return state


def test_it_answers_from_a_process_of_its_own(kept: KeptSandbox):
    assert os.getpid() != kept.pid
    assert os.getsid(kept.pid) == kept.pid != os.getsid(0), "it survives the end of the terminal"
    organization = client("organizations", kept.environment).describe_organization()["Organization"]
    assert kept.organization_id == organization["Id"]


def test_its_environment_is_what_a_shell_needs(kept: KeptSandbox, folder: Path):
    assert {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "ROLLOUT_CONFIG",
    } == set(kept.environment)
    assert str(folder.resolve() / ".rollout" / "rollout.yaml") == kept.environment["ROLLOUT_CONFIG"]
    assert kept.config.is_file()
    assert kept.organization_id in kept.config.read_text()


def test_later_commands_find_it(kept: KeptSandbox, folder: Path):
    assert kept == find_kept(folder)


def test_its_files_are_for_its_owner_only(kept: KeptSandbox, folder: Path):
    private = folder / ".rollout"
    assert 0o700 == stat.S_IMODE(private.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in private.iterdir()}


def test_a_second_one_is_refused(kept: KeptSandbox, folder: Path):
    with pytest.raises(SandboxFailure, match="already running"):
        start_kept(folder, NOW)
    assert kept == find_kept(folder)


def test_its_clock_can_be_moved(kept: KeptSandbox, folder: Path):
    moved = advance_kept(folder, timedelta(days=14))
    assert timedelta(days=14) <= moved - NOW < timedelta(days=14, minutes=5)
    with pytest.raises(SandboxFailure, match="forward"):
        advance_kept(folder, timedelta(days=-1))


def test_its_controls_need_the_token(kept: KeptSandbox):
    host = kept.endpoint.removeprefix("http://")
    for headers in ({}, {"X-Sandbox-Token": "guess"}):
        connection = http.client.HTTPConnection(host, timeout=5)
        connection.request("POST", "/_sandbox/advance", body="86400", headers=headers)
        assert 403 == connection.getresponse().status
        connection.close()


def test_it_listens_on_the_loopback_only(kept: KeptSandbox):
    port = int(kept.endpoint.rpartition(":")[2])
    listening = [
        line.split()[1]
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"
    ]
    assert [f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}:{port:04X}"] == listening


def test_it_writes_a_log(kept: KeptSandbox, folder: Path):
    client("iam", kept.environment).get_account_summary()
    log = (folder / ".rollout" / "sandbox.log").read_text()
    assert "iam GetAccountSummary 200" in log
    assert kept.environment["AWS_SECRET_ACCESS_KEY"] not in log


def test_it_stops_when_told_and_a_state_file_without_its_process_is_recognised(tmp_path: Path):
    killed = start_kept(tmp_path, NOW)
    os.kill(killed.pid, signal.SIGKILL)
    process._STARTED[killed.pid].wait()
    assert (tmp_path / ".rollout" / "sandbox.json").exists()
    assert find_kept(tmp_path) is None
    another = start_kept(tmp_path, NOW)
    assert killed.organization_id != another.organization_id
    assert stop_kept(tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(another.pid, 0)
    assert find_kept(tmp_path) is None
    assert not stop_kept(tmp_path)
    with pytest.raises(SandboxFailure, match="no sandbox is running"):
        advance_kept(tmp_path, timedelta(days=1))


def test_a_state_file_whose_port_is_somebody_elses_is_not_believed(
    kept: KeptSandbox, folder: Path, tmp_path: Path
):
    """Neither a reused port nor a reused process id leads to stopping what is not ours."""
    (tmp_path / ".rollout").mkdir()
    forged = {**state_of(folder), "pid": os.getpid()}
    (tmp_path / ".rollout" / "sandbox.json").write_text(json.dumps(forged))
    assert find_kept(tmp_path) is None
    assert not stop_kept(tmp_path)


def test_a_process_that_only_a_forged_state_file_names_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Somebody else's server can say any number; it is asked to end itself, and nothing else is done."""
    monkeypatch.setattr(process, "_STOP_WITHIN", 0.1)
    victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    asked: list[str] = []

    class Liar(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps({"pid": victim.pid}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        state = KeptState(victim.pid, server.server_port, "t", "i", "o-x", {"AWS_ENDPOINT_URL": "x"})
        write_state(tmp_path, state)
        with pytest.raises(SandboxFailure, match=f"process {victim.pid} still runs"):
            stop_kept(tmp_path)
        server.shutdown()
    assert victim.poll() is None
    assert ["/_sandbox/state", "/_sandbox/stop"] == asked
    victim.communicate(b"\n")


@pytest.mark.parametrize("command", [find_kept, stop_kept, lambda folder: start_kept(folder, NOW)])
def test_a_folder_that_is_a_link_is_refused(command: Callable[[Path], object], tmp_path: Path):
    """As a checkout may have it: what is behind the link would get new files, and another mode."""
    theirs, here = tmp_path / "theirs", tmp_path / "here"
    for folder in (theirs, here):
        folder.mkdir(mode=0o755)
    (here / ".rollout").symlink_to(theirs)
    with pytest.raises(Unwritable, match=r"/here/\.rollout is a link"):
        command(here)
    assert [] == list(theirs.iterdir())
    assert 0o755 == stat.S_IMODE(theirs.stat().st_mode)


@pytest.mark.parametrize("command", [find_kept, stop_kept, lambda folder: start_kept(folder, NOW)])
def test_a_folder_of_somebody_else_is_refused(
    command: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".rollout").mkdir()
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)
    with pytest.raises(Unwritable, match=r"\.rollout belongs to another user"):
        command(tmp_path)


def test_a_state_file_that_is_broken_is_none(tmp_path: Path):
    (tmp_path / ".rollout").mkdir()
    for text in ("", "{", "[]", '{"pid": 1}'):
        (tmp_path / ".rollout" / "sandbox.json").write_text(text)
        assert find_kept(tmp_path) is None


def test_a_start_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "_spawn", _spawning_a_failure(process._spawn))
    with pytest.raises(SandboxFailure, match="not-a-moment"):
        start_kept(tmp_path, NOW)
    assert find_kept(tmp_path) is None


def _spawning_a_failure(spawn):
    class Never:
        def isoformat(self) -> str:
            return "not-a-moment"

    return lambda folder, log, now, instance: spawn(folder, log, Never(), instance)
