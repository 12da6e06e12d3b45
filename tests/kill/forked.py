"""What a command's own process does once it is forked; what commands import and read is there by then."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path

import botocore.session

import rollout
from rollout.awsapi.retries import Retries
from rollout.cli.app import run
from tests.cli.shell import unpaced
from tests.conftest import shared_loader

SERVICES = ("iam", "organizations", "signin", "sts")


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


def _prepare() -> None:
    """Import everything but the sandbox, and read the models of the services."""
    for module in pkgutil.walk_packages(rollout.__path__, "rollout."):
        if not module.name.startswith("rollout.sandbox") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    botocore.session.create_loader = shared_loader()
    for service in SERVICES:
        botocore.session.Session().create_client(service, "us-east-1")
    Retries.pace = unpaced  # type: ignore[method-assign]  # this process and its forks exist for tests only


_prepare()
