"""An operator with a shell: runs `rollout` in a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rollout.domain.progress.history import History, replay_all
from rollout.domain.progress.records import Record
from rollout.domain.progress.stages import Stage
from rollout.store.folder.segments import FolderJournal
from tests.kill.cloud import ROOT, Cloud
from tests.kill.organization import settings

LONGEST = 300
DONE = (0, 4)
"""Exit codes of a run that came to its end; 4: somebody has to be tried again."""


class Operator:
    """Works on one organization from one folder."""

    def __init__(self, folder: Path, cloud: Cloud, waves: int) -> None:
        self.folder, self.cloud, self.waves = folder, cloud, waves
        folder.mkdir()
        (folder / "rollout.yaml").write_text(settings(cloud.organization, waves), encoding="utf-8")

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a command."""
        environment = {**os.environ, **self.cloud.environment, "PYTHONPATH": str(ROOT)}
        with (self.folder / "said.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "rollout", *words],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def run(self, *words: str, codes: tuple[int, ...] = (0,)) -> int:
        """Run a command to its end."""
        code = self.begin(*words).wait(LONGEST)
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
