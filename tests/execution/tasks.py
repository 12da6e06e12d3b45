"""Tasks that can be taken to another process."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from rollout.errors import NoCredentials


def process_of(item: int) -> tuple[int, int]:
    return item, os.getpid()


def refuses_three(item: int) -> int:
    if item == 3:
        raise NoCredentials("no credentials", "none at all", cure="get some")
    return item


@dataclass
class DiesOnce:
    """Ends its process at one item, the first time."""

    died: Path

    def __call__(self, item: int) -> int:
        if item == 5 and not self.died.exists():
            self.died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item
