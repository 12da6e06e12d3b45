"""Whoever can write a file that a command reads cannot take the memory of the machine, and is told of."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.shell import Shell

MIB = 1 << 20
MOST = 100 * MIB
"""What a bomb may take more than the same command on sound files."""


def plan_of(folder: Path) -> Path:
    (file,) = (folder / "plans").glob("*.yaml")
    return file


def seal(plan: Path, text: str) -> None:
    """Make the checksum right, as only somebody who means it would."""
    former = re.compile('checksum: ".*"\n')
    digest = sha256(former.sub("", text).encode()).hexdigest()
    plan.write_text(former.sub(f'checksum: "sha256:{digest}"\n', text))


def evidence_that_unpacks_to_gigabytes(folder: Path) -> Path:
    file = plan_of(folder).with_suffix(".evidence.jsonl.gz")
    file.write_bytes(gzip.compress(b" " * 16 * MIB) * 100)
    assert 1.5 < file.stat().st_size / MIB < 1.7
    return file


def evidence_of_one_line(folder: Path) -> Path:
    """Its digest fits, so that it is read line by line."""
    plan = plan_of(folder)
    file = plan.with_suffix(".evidence.jsonl.gz")
    line = b" " * 60 * MIB
    file.write_bytes(gzip.compress(line))
    digest = f'evidence: "sha256:{sha256(line).hexdigest()}"'
    seal(plan, re.sub('evidence: ".*"', digest, plan.read_text()))
    return file


def a_plan_of_empty_values(folder: Path) -> Path:
    plan = plan_of(folder)
    line = "- [" + "[], " * 10_000 + "[]]\n"
    seal(plan, plan.read_text() + '---\naccount: "999999999999"\nusers:\n' + line * 30)
    return plan


def a_plan_of_one_document(folder: Path) -> Path:
    plan = plan_of(folder)
    seal(plan, plan.read_text() + '---\naccount: "999999999999"\n' + "# a comment\n" * 2_000_000)
    return plan


def a_journal_of_one_line(folder: Path) -> Path:
    (file, *_) = (folder / "journal").iterdir()
    os.truncate(file, 1024 * MIB)  # it has no content that would take room on the disk
    return file


def settings_of_empty_values(folder: Path) -> Path:
    file = folder / "rollout.yaml"
    file.write_text(f"rules: {{break_glass: [{'a,' * 3_900_000}]}}")
    return file


def settings_of_wrong_values(folder: Path) -> Path:
    file = folder / "rollout.yaml"
    file.write_text(f"rules: {{break_glass: [{'a,' * 60_000}]}}")
    return file


def questions_of_one_line(folder: Path) -> Path:
    file = folder / "questions"
    file.touch()
    os.truncate(file, 1024 * MIB)
    return file


BOMBS: list[tuple[Callable[[Path], Path], tuple[str, ...], int, str]] = [
    (evidence_that_unpacks_to_gigabytes, ("show",), 6, " unpacks to more than 250 times its size"),
    (evidence_of_one_line, ("show",), 6, " has a line of more than 4 MiB"),
    (a_plan_of_empty_values, ("show",), 6, "too large: it has more than 250,000 values"),
    (a_plan_of_one_document, ("show",), 6, " has a document of more than 8 MiB"),
    (a_journal_of_one_line, ("status",), 1, " has a line of more than 8 MiB"),
    (settings_of_empty_values, ("show",), 2, "too large: it has more than 70,000 values"),
    (settings_of_wrong_values, ("show",), 2, "60,000 values are wrong"),
    (questions_of_one_line, ("policy", "simulate", "questions"), 2, " has a line of more than 4 MiB"),
]


# Takes a second each: the memory is that of a process of its own.
@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere, other processes' memory is told in other units"
)
@pytest.mark.parametrize(("bomb", "words", "code", "why"), BOMBS, ids=[bomb[0].__name__ for bomb in BOMBS])
def test_a_bomb_is_named_with_its_limit(
    bomb: Callable[[Path], Path],
    words: tuple[str, ...],
    code: int,
    why: str,
    rehearsed: Shell,
    sound: dict[str, int],
):
    file = bomb(rehearsed.folder)
    found, said, memory = run(rehearsed, *words)

    assert code == found, said
    assert f"Error: {file}" in said or f"Error: {file.name}" in said
    assert why in said
    assert "Cure: " in said
    assert memory - sound[words[0]] < MOST


@pytest.fixture(scope="session")
def sound() -> dict[str, int]:
    """The memory that the commands take which end before they read anything large."""
    return {}


@pytest.fixture(autouse=True)
def _measured(rehearsed: Shell, sound: dict[str, int]) -> None:
    for word in ("show", "status"):
        if word not in sound:
            sound[word] = run(rehearsed, word)[2]
    sound["policy"] = sound["show"]


def run(shell: Shell, *words: str) -> tuple[int, str, int]:
    """Give the exit code, stderr, and the most memory that the process took, in bytes."""
    errors = shell.folder / "stderr"
    with errors.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "rollout", *words],
            cwd=shell.folder,
            env=shell.outside(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stream,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, errors.read_text(), usage.ru_maxrss * 1024
