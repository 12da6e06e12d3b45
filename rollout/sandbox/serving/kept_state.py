"""Stores how later commands reach a running sandbox, in a private file since it contains keys."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rollout.files.bounded_files import SMALL, BoundedStream, parse_json
from rollout.files.private_files import PRIVATE_FOLDER, check_own

# The path prefix and the header of the sandbox's control requests, which need the token of the state file.
PREFIX = "/_sandbox/"
TOKEN_HEADER = "X-Sandbox-Token"  # noqa: S105 - the name of a header

FOLDER, STATE, LOG, SETTINGS = PRIVATE_FOLDER, "sandbox.json", "sandbox.log", "rollout.yaml"


@dataclass(frozen=True)
class KeptState:
    """The content of the file."""

    pid: int
    port: int
    token: str
    instance: str
    organization: str
    environment: Mapping[str, str]


def private_folder(folder: Path) -> Path:
    """Create `.rollout/`, accessible only to its owner. Raises Unwritable for a link, or a folder of somebody else."""
    private = folder.resolve() / FOLDER
    check_own(private)
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    private.chmod(0o700)
    return private


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, readable only by its owner from the start."""
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    draft.replace(path)


def write_state(folder: Path, state: KeptState) -> None:
    """Write the state file."""
    write_private(private_folder(folder) / STATE, json.dumps(asdict(state), indent=2) + "\n")


def read_state(folder: Path) -> KeptState | None:
    """Read the state file; None when it does not exist or is invalid. Raises Unwritable as `private_folder` does."""
    check_own(folder.resolve() / FOLDER)
    try:
        path = folder / FOLDER / STATE
        with path.open("rb") as file:
            return KeptState(**parse_json(BoundedStream(file, str(path), SMALL).read()))
    except (OSError, ValueError, TypeError):
        return None


def forget_state(folder: Path) -> None:
    """Remove the file."""
    (folder / FOLDER / STATE).unlink(missing_ok=True)
