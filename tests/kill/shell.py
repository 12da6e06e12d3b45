"""An operator with a shell: runs `rollout` in a process of its own, in a folder of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from pathlib import Path

from rollout.domain.progress.history import History, replay_all
from rollout.domain.progress.records import Record
from rollout.domain.progress.stages import Stage
from rollout.store.folder.segments import FolderJournal
from tests.kill.cloud import Cloud
from tests.kill.forked import give_command
from tests.kill.organization import settings

LONGEST = 300.0
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([give_command.__module__])
DONE = (0, 4)
"""Exit codes of a run that came to its end; 4: somebody has to be tried again."""


class CommandRun:
    """A command in a process of its own, which is forked from one that has everything imported: it saves a second."""

    def __init__(self, words: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> None:
        environment = {**os.environ, **environment}
        self._process = PROCESSES.Process(
            target=give_command, args=(words, folder, environment, folder / "said.log")
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended: a negative number is the signal that killed it. None while it goes on."""
        return self._process.exitcode

    @property
    def died(self) -> bool:
        """Whether it was killed; waits for its end."""
        return self.end() < 0

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when it did not come in time."""
        self._process.join(seconds)
        return self.code is not None

    def end(self) -> int:
        """Wait for its end, and say how it ended."""
        assert self.wait(LONGEST), "the run neither ends nor gets anywhere"
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        """Let it die at once."""
        self._process.kill()


class Operator:
    """Works on one organization from one folder."""

    def __init__(self, folder: Path, cloud: Cloud, waves: int) -> None:
        self.folder, self.cloud, self.waves = folder, cloud, waves
        folder.mkdir()
        (folder / "rollout.yaml").write_text(settings(cloud.organization, waves), encoding="utf-8")

    def begin(self, *words: str) -> CommandRun:
        """Begin a command."""
        return CommandRun(words, self.folder, self.cloud.environment)

    def run(self, *words: str, codes: tuple[int, ...] = (0,)) -> int:
        """Run a command to its end."""
        code = self.begin(*words).end()
        assert code in codes, f"rollout {' '.join(words)} ended with {code}: {self.said[-3000:]}"
        return code

    def carry_on(self, *words: str) -> int:
        """Run a command until it has done all of what it can; tell how often that was."""
        for times in range(1, 10):
            if self.run(*words, codes=DONE) == 0:
                return times
        raise AssertionError(f"never done: {self.said[-3000:]}")

    def carried(self, stage: Stage) -> int:
        """How many waves have been carried to a stage."""
        return sum(to is stage for to, _ in self.progress.carried)

    @property
    def said(self) -> str:
        """All that was ever printed."""
        return (self.folder / "said.log").read_text("utf-8")

    @property
    def records(self) -> list[Record]:
        """Everything in the journal."""
        return list(FolderJournal(self.folder, "look").records())

    @property
    def progress(self) -> History:
        """What the journal says."""
        return replay_all(self.records, self.cloud.organization)
