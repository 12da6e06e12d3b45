"""The question before anything is written, at a terminal of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from tests.cli.shell import Shell, hear_ctrl_c


# Takes a second or more: a terminal belongs to a process, so each answer starts one.
@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        ("y\n", 0, "Notices by plan "),
        ("n\n", 5, "nothing was written, because the answer was no"),
        ("\n", 5, "nothing was written, because the answer was no"),
        ("\x03", 130, "Interrupted."),
        ("\x04", 130, "Interrupted."),
    ],
    ids=["yes", "no", "enter", "Ctrl-C", "Ctrl-D"],
)
def test_at_a_terminal_the_question_is_asked(answer: str, code: int, text: str, rehearsed: Shell):
    ours, theirs = os.openpty()

    def sit_down() -> None:
        os.login_tty(theirs)
        hear_ctrl_c()

    process = subprocess.Popen(
        [sys.executable, "-m", "rollout", "apply", "--stage", "notify"],
        cwd=rehearsed.folder,
        env=rehearsed.outside(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=sit_down,  # noqa: PLW1509 - nothing else gives it a terminal of its own
    )
    os.close(theirs)
    try:
        said = read_until(ours, "Go on? [y/N]: ")
        os.write(ours, answer.encode())
        said += read_until(ours, None)
        assert code == process.wait(timeout=60), said
    finally:
        os.close(ours)
        process.kill()
        process.wait()
    assert "wave canary, " in said
    assert text in said
    told = any(rehearsed.folder.glob("outbox/*.eml"))
    assert told == (code == 0)


def read_until(terminal: int, end: str | None) -> str:
    said = ""
    while end is None or not said.endswith(end):
        assert select.select([terminal], [], [], 60)[0], said
        try:
            said += os.read(terminal, 4096).decode()
        except OSError:  # the other end is closed
            break
    return said
