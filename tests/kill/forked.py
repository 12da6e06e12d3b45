"""What a command's own process does once it is forked; with this, all that commands need is imported before."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rollout.awsapi.retries import Retries
from rollout.cli.app import run
from rollout.cli.commands import apply, plan, release, rollback, verify
from rollout.wiring import Live
from tests.cli.shell import unpaced

Retries.pace = unpaced  # type: ignore[method-assign]  # a process that only exists for this
READY = (Live, apply, plan, release, rollback, verify)


def give_command(words: tuple[str, ...], folder: Path, environment: Mapping[str, str], said: Path) -> None:
    """Type a command in a folder, with no terminal; everything that it says is added to a file."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    nothing, log = (
        os.open(os.devnull, os.O_RDONLY),
        os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
    )
    for stream, file in enumerate((nothing, log, log)):
        os.dup2(file, stream)
    sys.exit(run(words))
