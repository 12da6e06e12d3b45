"""The files of a report: where they lie, who may read them, and that nothing else about them changes by chance."""

from __future__ import annotations

import csv
import os
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.verdicts.verdict import Kind
from rollout.errors import Unwritable
from rollout.reporting import ReportFiles, write_report, write_together
from rollout.reporting.cells import restore
from rollout.visible_text import visible
from tests.builders import (
    NOTIFIED,
    NOW,
    a_finding,
    a_header,
    a_passed,
    a_progress,
    a_reason,
    a_run,
    a_told,
    an_account_plan,
    an_entry,
    an_override,
    left_out,
)
from tests.reporting.conftest import write_small_report

GOLD = Path(__file__).parent / "gold"
NAMES = ("index.html", "users.csv", "accounts.csv", "changes.csv", "exemptions.ics")


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_the_same_to_the_byte(small_report: ReportFiles, name: str):
    """After a wanted change: UPDATE_GOLD=1 pytest tests/reporting, and read the difference."""
    written, gold = small_report.html.with_name(name).read_bytes(), GOLD / name
    if os.environ.get("UPDATE_GOLD"):
        gold.write_bytes(written)
    assert gold.read_bytes() == written


names = st.text(alphabet="=+-@\t\r\n'\",;<&a1", min_size=1, max_size=6)


@given(names, names, names, st.sampled_from(Kind))
@settings(max_examples=12)  # each one writes a report
def test_no_cell_of_any_table_is_a_formula(user, account, text, verdict):
    """Names, OUs, reasons, cures and addresses may begin with any sign; no cell does, and all read back as shown."""
    entry = an_entry(
        user, verdict, cure=text, forecast=text, because=[a_reason("unknown", text)], address=text
    )
    part = an_account_plan(entry, name=account, ou=text, role=text, findings=(a_finding(text, text),))
    header = a_header(part, left_out=(left_out(name=account, ou=text, reason=text, cure=text),), caller=text)
    told = a_told(entry.user, address=text, detail=text)
    progress = a_progress(
        a_run(caller=text), told, a_passed(entry.user, "notice", text), an_override(reason=text)
    )
    with TemporaryDirectory() as folder:
        files = write_report(Path(folder), header, (part,), progress, NOW, notified=NOTIFIED)
        tables = {path: read(path) for path in (files.users, files.accounts, files.changes)}
    cells = [cell for lines in tables.values() for line in lines for cell in line.values()]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    row = tables[files.users][0]
    user, account, text = visible(user), visible(account), visible(text)
    assert [user, account, text] == [restore(row[name]) for name in ("user_name", "account_name", "address")]
    assert {account} == {restore(line["account_name"]) for line in tables[files.accounts]}
    assert {text} == {
        restore(line["address"]) for line in tables[files.changes] if line["change"] == "notice"
    }


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_files_and_folder_are_their_owners_only(small_report: ReportFiles):
    files = [small_report.html.with_name(name) for name in NAMES]
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in files}
    assert 0o700 == stat.S_IMODE(small_report.html.parent.stat().st_mode)


def test_a_report_takes_the_place_of_the_last_one(tmp_path: Path):
    folder = tmp_path / "reports" / "plan"
    write_report(folder, a_header(), (), a_progress(), NOW, notified=NOTIFIED)
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
    with pytest.raises(Unwritable, match=r"cannot write to .*/report: Not a directory") as caught:
        write_report(tmp_path / "report", a_header(), (), a_progress(), NOW, notified=NOTIFIED)
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


def test_only_writing_a_report_loads_pandas_and_jinja():
    """No command waits for them but those that write a report; `rollout inventory` writes its CSV without."""
    script = """
import importlib, pkgutil, sys
import rollout.cli.commands, rollout.reporting.users_file, rollout.reporting.report_data, rollout.wiring
for module in pkgutil.iter_modules(rollout.cli.commands.__path__, "rollout.cli.commands."):
    importlib.import_module(module.name)
print({"pandas", "jinja2"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "set()" == done.stdout.strip()
