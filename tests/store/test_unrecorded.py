"""What was set aside on this machine is believed only where nobody else can have put it there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.store.unrecorded import Unrecorded
from tests.builders import a_run, an_end

if TYPE_CHECKING:
    import pytest


def set_aside(root: Path) -> Path:
    """Keep the records of one run; return the file that they are in."""
    Unrecorded([root], "s3://bucket/prefix").of_run("run-1").append(a_run("run-1"), an_end(run="run-1"))
    (kept,) = root.rglob("*.jsonl")
    return kept


def why_not(root: Path) -> str:
    """Why nothing is read; empty where everything is."""
    (found,) = Unrecorded([root], "s3://bucket/prefix").runs()
    assert bool(found.problems) != bool(found.records)
    return "".join(found.problems)


def test_what_belongs_to_this_user_alone_is_read(tmp_path: Path):
    set_aside(tmp_path)
    assert not why_not(tmp_path)


def test_what_belongs_to_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept = set_aside(tmp_path)
    me, lstat = os.getuid(), Path.lstat

    def seen(path: Path) -> os.stat_result:
        """Only the file is somebody else's, in a folder of ours."""
        return os.stat_result((*lstat(path)[:4], me + (path == kept), *lstat(path)[5:]))

    monkeypatch.setattr(Path, "lstat", seen)
    assert f"{kept} belongs to another user" == why_not(tmp_path)
    assert kept.exists()


def test_a_link_to_elsewhere_is_left_alone(tmp_path: Path):
    kept = set_aside(tmp_path)
    elsewhere = kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(elsewhere)
    assert f"{kept} is a link" == why_not(tmp_path)
