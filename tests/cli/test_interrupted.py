"""Ctrl-C and SIGTERM: what is in hand is finished and saved, and the same command goes on where this one stopped."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import with_settings
from tests.cli.shell import Said, Shell, hear_ctrl_c, listening

ONE_WAVE_AT_ONCE = {
    "ROLLOUT_WAVES": '[{"name": "everybody"}]',
    "ROLLOUT_GATES__LEAD_TIME": "0d",
    "ROLLOUT_GATES__SOAK": "0d",
    "ROLLOUT_NOTIFY__ZONE": "UTC",
}
ENFORCE = ("apply", "--stage", "enforce", "--yes")


def signalled(shell: Shell, words: tuple[str, ...], number: int, when: Callable[[], bool]) -> Said:
    """Run in a process of its own, and send it a signal at a moment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rollout", *words],
        cwd=shell.folder,
        env=shell.outside(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - it does no more than that
    )
    try:
        deadline = time.monotonic() + 60
        while not when():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    return Said(process.returncode, out, err)


def records(folder: Path, kind: str) -> list[dict[str, object]]:
    lines = [line for file in (folder / "journal").iterdir() for line in file.read_text().splitlines()]
    return [record for record in map(json.loads, lines) if record["type"] == kind]


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Everybody is told, and may be enforced at once."""
    shell = with_settings(tmp_path_factory.mktemp("told"), sandbox)
    shell.environment |= ONE_WAVE_AT_ONCE
    for words, code in (
        (("plan",), 4),
        (("apply",), 0),
        (("apply", "--stage", "notify", "--yes"), 0),
    ):
        assert code == shell(*words).code
    sandbox.advance(timedelta(hours=1))
    return shell


@pytest.mark.slow  # three runs over everybody, two of them in processes that get a signal
def test_an_apply_that_is_stopped_twice_is_carried_to_its_end_and_writes_nothing_twice(told: Shell):
    with listening() as asked:

        def added() -> int:
            return sum("AddUserToGroup" in line or "AttachUserPolicy" in line for line in asked)

        for number, stopped in ((signal.SIGINT, 1), (signal.SIGTERM, 2)):
            before = added()
            said = signalled(told, ENFORCE, number, lambda before=before: added() > before)  # type: ignore[misc]  # the type of a lambda with a default is not inferred
            assert 130 == said.code, said.err
            assert "Stopping: finishing and saving the changes in progress first." in said.err
            assert [
                "Error: stopped as requested; the journal contains what was done, and no change was left incomplete",
                "  Cure: resume with: rollout apply --stage enforce",
            ] == said.errors
            assert stopped == [record["ending"] for record in records(told.folder, "RunEnded")].count(
                "interrupted"
            )
            settled = {(record["of"], record["number"]) for record in records(told.folder, "Settled")}
            assert {(record["run"], record["number"]) for record in records(told.folder, "Intent")} == settled
            assert not list((told.folder / ".rollout" / "locks").glob("*.lock"))
            (wave,) = told("status", "--json").json
            assert 0 < wave["enforced"] < wave["users"]
        done = told(*ENFORCE)
        assert 0 == done.code
        assert "enforced before" in done.out
        (wave,) = told("status", "--json").json
        assert wave["users"] == wave["enforced"] == added()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_plan_that_is_stopped_writes_no_plan(number: int, bare: Shell):
    with listening() as asked:
        said = signalled(bare, ("plan",), number, lambda: any("GetCallerIdentity" in line for line in asked))
    assert 130 == said.code
    assert "Traceback" not in said.err
    assert not said.out
    assert not list(bare.folder.glob("plans/*.yaml"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_waiting_for_an_endpoint_that_says_nothing_can_be_ended(number: int, bare: Shell):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        bare.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"

        def called() -> bool:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        said = signalled(bare, ("plan",), number, called)
    assert (130, "Interrupted.\n") == (said.code, said.err)
