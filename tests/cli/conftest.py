"""One embedded organization and one plan to a module; each test works in a copy of that plan's folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="command line", ticking=False) as running:
        yield running


@pytest.fixture
def bare(sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A folder with the organization's rollout.yaml, and no plan yet."""
    return with_settings(tmp_path, sandbox)


@pytest.fixture(scope="module")
def planned_once(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    shell = with_settings(tmp_path_factory.mktemp("planned"), sandbox)
    assert 4 == shell("plan").code
    return shell.folder


@pytest.fixture
def planned(planned_once: Path, sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A folder with a plan in it."""
    shutil.copytree(planned_once, tmp_path, dirs_exist_ok=True)
    return Shell(tmp_path, sandbox.environment())


@pytest.fixture(scope="module")
def rehearsed_once(planned_once: Path, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rehearsed")
    shutil.copytree(planned_once, folder, dirs_exist_ok=True)
    assert 0 == Shell(folder, sandbox.environment())("apply").code
    return folder


@pytest.fixture
def rehearsed(rehearsed_once: Path, sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A folder with a plan that was rehearsed."""
    shutil.copytree(rehearsed_once, tmp_path, dirs_exist_ok=True)
    return Shell(tmp_path, sandbox.environment())


def with_settings(folder: Path, sandbox: Sandbox) -> Shell:
    settings = sandbox.settings().replace('store: ".."', "store: .").replace("../outbox/", "outbox/")
    (folder / "rollout.yaml").write_text(settings)
    return Shell(folder, sandbox.environment())
