"""What a run writes down for itself goes with the run, also when it is killed."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rollout.errors import Unwritable
from rollout.files.scratch import scratch_folder

KILLED = """
import os, sys
from pathlib import Path
from rollout.files.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("of it")
    os._exit(9)
"""


def test_it_is_private_and_gone_at_the_end(tmp_path: Path):
    with scratch_folder(tmp_path / "plans") as folder:
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("x")
        assert 0o700 == stat.S_IMODE(folder.stat().st_mode)

    assert [] == list(tmp_path.iterdir())


def test_what_the_run_puts_beside_it_stays(tmp_path: Path):
    with scratch_folder(tmp_path / "plans"):
        (tmp_path / "plans" / "plan.yaml").write_text("kept")

    assert [tmp_path / "plans" / "plan.yaml"] == list((tmp_path / "plans").iterdir())


def test_it_is_gone_when_the_run_fails(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), scratch_folder(tmp_path):
        raise ZeroDivisionError

    assert [] == list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_cleared_by_the_next_and_what_another_works_with_is_not(tmp_path: Path):
    with scratch_folder(tmp_path) as theirs:
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
        assert 2 == len(list(tmp_path.iterdir()))
        with scratch_folder(tmp_path) as ours:
            assert {theirs, ours} == set(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "plans").write_text("in the way")
    with pytest.raises(Unwritable, match="plans"), scratch_folder(tmp_path / "plans"):
        pass
