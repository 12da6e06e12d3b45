"""One embedded organization to a module, one plan and one rehearsal to a worker; each test works in a copy of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell
from tests.snapshots import Snapshot

ONE_ACCOUNT = "444455556666"
ONE_WAVE = "waves: [{name: all}]"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Kept:
    """A folder and an organization as some commands have left them."""

    folder: Path
    organization: Snapshot

    @classmethod
    def of(cls, shell: Shell, sandbox: Sandbox) -> Kept:
        return cls(shell.folder, Snapshot.of(sandbox))

    def again(self, folder: Path, sandbox: Sandbox) -> Shell:
        """Go on from there in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        self.organization.restore(sandbox)
        return Shell(folder, sandbox.environment())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The same organization for every module, for its ids follow from the instance."""
    with Sandbox.start(NOW, instance="command line", ticking=False) as running:
        yield running


@pytest.fixture(scope="session")
def _kept() -> dict[str, Kept]:
    """What one module has made, for the others."""
    return {}


@pytest.fixture
def bare(sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A folder with the organization's rollout.yaml, and no plan yet."""
    return with_settings(tmp_path, sandbox)


@pytest.fixture
def planned_once(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, _kept: dict[str, Kept]) -> Kept:
    if "planned" not in _kept:
        shell = with_settings(tmp_path_factory.mktemp("planned"), sandbox)
        assert 4 == shell("plan").code
        _kept["planned"] = Kept.of(shell, sandbox)
    return _kept["planned"]


@pytest.fixture
def planned(planned_once: Kept, sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A folder with a plan in it."""
    return planned_once.again(tmp_path, sandbox)


@pytest.fixture
def rehearsed_once(
    planned_once: Kept, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, _kept: dict[str, Kept]
) -> Kept:
    if "rehearsed" not in _kept:
        shell = planned_once.again(tmp_path_factory.mktemp("rehearsed"), sandbox)
        assert 0 == shell("apply").code
        _kept["rehearsed"] = Kept.of(shell, sandbox)
    return _kept["rehearsed"]


@pytest.fixture
def rehearsed(rehearsed_once: Kept, sandbox: Sandbox, tmp_path: Path) -> Shell:
    """A folder with a plan that was rehearsed."""
    return rehearsed_once.again(tmp_path, sandbox)


@pytest.fixture
def planned_account(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, _kept: dict[str, Kept]
) -> Kept:
    """One account planned and rehearsed, in one wave: quicker than the whole organization."""
    if "planned account" not in _kept:
        shell = with_settings(tmp_path_factory.mktemp("planned-account"), sandbox, ONE_WAVE)
        assert 0 == shell("plan", "--account", ONE_ACCOUNT, env={"ROLLOUT_EXEMPTIONS": "[]"}).code
        assert 0 == shell("apply").code
        _kept["planned account"] = Kept.of(shell, sandbox)
    return _kept["planned account"]


@pytest.fixture
def told(
    planned_once: Kept,
    planned_account: Kept,
    sandbox: Sandbox,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    _kept: dict[str, Kept],
) -> Shell:
    """That account with everybody told, yesterday."""
    if "told" not in _kept:
        shell = planned_account.again(tmp_path_factory.mktemp("told"), sandbox)
        assert 0 == shell("apply", "--stage", "notify", "--yes").code
        sandbox.advance(timedelta(days=1))
        _kept["told"] = Kept.of(shell, sandbox)
    return _kept["told"].again(tmp_path, sandbox)


def with_settings(folder: Path, sandbox: Sandbox, more: str = "") -> Shell:
    settings = sandbox.settings().replace('store: ".."', "store: .").replace("../outbox/", "outbox/")
    if more:
        key = more.partition(":")[0]
        settings = re.sub(rf"(?m)^{key}:.*\n(?:[ #].*\n|\n)*", f"{more}\n", settings)
    (folder / "rollout.yaml").write_text(settings)
    return Shell(folder, sandbox.environment())
