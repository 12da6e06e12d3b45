"""What was found of a key is kept for the day, and counts only if this store sealed it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from rollout.files.private_files import FolderStore
from rollout.store.formats.seals import Trust
from rollout.store.stored_activity import FOLDER, StoredActivity
from tests.builders import NOW, ORGANIZATION, an_activity, calls_at
from tests.store.sealing import sealed

KEY, SOURCE, TODAY = "AKIAIOSFODNN7EXAMPLE", "CloudTrail", NOW.date()
FOUND = an_activity(*calls_at(7, 9), *calls_at(8, operation="sts:GetSessionToken", with_mfa=True))


def kept_in(folder: Path, trust: Trust | None = None) -> StoredActivity:
    return StoredActivity(FolderStore(folder), ORGANIZATION, trust)


def test_what_was_kept_today_is_found_again_and_on_no_other_day(tmp_path: Path):
    kept_in(tmp_path).keep(KEY, FOUND)
    assert FOUND == kept_in(tmp_path).of(KEY, SOURCE, TODAY)
    tomorrow: date = TODAY + timedelta(days=1)
    assert None is kept_in(tmp_path).of(KEY, SOURCE, tomorrow)
    assert None is kept_in(tmp_path).of(KEY, "CloudTrail elsewhere", TODAY)
    assert None is kept_in(tmp_path).of("AKIAOTHER", SOURCE, TODAY)


def test_no_file_names_or_holds_the_key(tmp_path: Path):
    kept_in(tmp_path).keep(KEY, FOUND)
    [file] = (tmp_path / FOLDER / ORGANIZATION).iterdir()
    assert KEY not in file.name + file.read_text()
    assert 0o600 == file.stat().st_mode & 0o777


@pytest.mark.parametrize("content", [b"", b"no json\n", b"{}\n", b"[" * 100_000])
def test_what_cannot_be_read_is_looked_up_again(tmp_path: Path, content: bytes):
    kept_in(tmp_path).keep(KEY, FOUND)
    [file] = (tmp_path / FOLDER / ORGANIZATION).iterdir()
    file.write_bytes(content)
    assert None is kept_in(tmp_path).of(KEY, SOURCE, TODAY)


def test_what_this_store_has_not_sealed_for_this_key_is_looked_up_again(tmp_path: Path):
    """Whoever may only write to the store makes no person of a machine."""
    trust = sealed()
    kept_in(tmp_path).keep(KEY, FOUND)
    assert None is kept_in(tmp_path, trust).of(KEY, SOURCE, TODAY)
    kept_in(tmp_path, trust).keep(KEY, FOUND)
    assert FOUND == kept_in(tmp_path, trust).of(KEY, SOURCE, TODAY)
    [file] = (tmp_path / FOLDER / ORGANIZATION).iterdir()
    kept_in(tmp_path, trust).keep("AKIAOTHER", FOUND)
    other = next(path for path in file.parent.iterdir() if path != file)
    other.write_bytes(file.read_bytes())
    assert None is kept_in(tmp_path, trust).of("AKIAOTHER", SOURCE, TODAY)


def test_a_store_that_cannot_be_written_to_keeps_nothing_and_says_no_more(tmp_path: Path):
    (tmp_path / FOLDER.split("/")[0]).write_text("a file is in the way")
    kept_in(tmp_path).keep(KEY, FOUND)
    assert None is kept_in(tmp_path).of(KEY, SOURCE, TODAY)
