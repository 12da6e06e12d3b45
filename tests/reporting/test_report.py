"""The files of a report: where they lie, who may read them, and that nothing else about them changes by chance."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rollout.errors import Unwritable
from rollout.reporting import ReportFiles, write_report
from rollout.reporting.writing import write_together
from tests.builders import NOW, a_header, a_progress
from tests.reporting.conftest import write_small_report

GOLD = Path(__file__).parent / "gold"
NAMES = ("index.html", "users.csv", "accounts.csv", "changes.csv")


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_the_same_to_the_byte(small_report: ReportFiles, name: str):
    """After a wanted change: UPDATE_GOLD=1 pytest tests/reporting, and read the difference."""
    written, gold = small_report.html.with_name(name).read_bytes(), GOLD / name
    if os.environ.get("UPDATE_GOLD"):
        gold.write_bytes(written)
    assert gold.read_bytes() == written


def test_files_and_folder_are_their_owners_only(small_report: ReportFiles):
    files = (small_report.html, small_report.users, small_report.accounts, small_report.changes)
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in files}
    assert 0o700 == stat.S_IMODE(small_report.html.parent.stat().st_mode)


def test_a_report_takes_the_place_of_the_last_one(tmp_path: Path):
    folder = tmp_path / "reports" / "plan"
    write_report(folder, a_header(), (), a_progress(), NOW)
    files = write_small_report(folder)
    assert "alice" in files.users.read_text()
    assert sorted(NAMES) == sorted(path.name for path in folder.iterdir())


def test_a_link_is_replaced_not_followed(tmp_path: Path):
    folder, elsewhere = tmp_path / "report", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.write_text("precious")
    (folder / "users.csv").symlink_to(elsewhere)
    (folder / f".users.csv.{os.getpid()}.part").symlink_to(elsewhere)
    files = write_small_report(folder)
    assert "precious" == elsewhere.read_text()
    assert not files.users.is_symlink()


def test_a_folder_that_cannot_be_written_is_named_with_a_cure(tmp_path: Path):
    (tmp_path / "report").write_text("a file where the folder should be")
    with pytest.raises(Unwritable, match=r"cannot be written to .*/report: File exists") as caught:
        write_report(tmp_path / "report", a_header(), (), a_progress(), NOW)
    assert "rollout report" in caught.value.cure


def test_a_disk_that_fills_up_leaves_the_last_report_as_it_was(tmp_path: Path):
    def broken():
        yield "half"
        raise OSError(28, "No space left on device")

    write_together(tmp_path, {"users.csv": ["old"]})
    with pytest.raises(Unwritable, match="No space left on device"):
        write_together(tmp_path, {"users.csv": ["new"], "index.html": broken()})
    assert ["users.csv"] == [path.name for path in tmp_path.iterdir()]
    assert "old" == (tmp_path / "users.csv").read_text()


def test_text_that_is_no_text_is_written_all_the_same(tmp_path: Path):
    write_together(tmp_path, {"users.csv": ["\udc80"]})
    assert b"\\udc80" == (tmp_path / "users.csv").read_bytes()


def test_importing_the_package_loads_neither_pandas_nor_jinja():
    """So `rollout --help` may import it."""
    script = "import sys, rollout.reporting; print({'pandas', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "set()" == done.stdout.strip()
