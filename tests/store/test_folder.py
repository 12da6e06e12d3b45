"""A folder of files: closed to others, never half written, and plain about what it cannot do."""

import errno
import os
import stat
from pathlib import Path

import pytest

from rollout.errors import Unwritable
from rollout.files.private_files import FolderStore, create_whole, make_folder, unwritable


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_folders_and_files_are_closed_to_others(tmp_path, umask):
    old = os.umask(umask)
    try:
        with FolderStore(tmp_path / "store").writing("plans/sample/a") as stream:
            stream.write(b"x")
    finally:
        os.umask(old)

    assert [0o700] * 3 == [mode(tmp_path / "store" / part) for part in ("", "plans", "plans/sample")]
    assert mode(tmp_path / "store/plans/sample/a") == 0o600


def test_a_folder_that_stands_already_keeps_its_rights(tmp_path):
    tmp_path.chmod(0o755)
    with FolderStore(tmp_path).writing("a"):
        pass

    assert mode(tmp_path) == 0o755


def test_a_file_in_the_way_of_a_folder_is_told_with_a_cure(tmp_path):
    (tmp_path / "plans").write_text("")

    with (
        pytest.raises(Unwritable, match=str(tmp_path / "plans")) as refused,
        FolderStore(tmp_path).writing("plans/a"),
    ):
        pass
    assert "move it away" in refused.value.cure


def test_a_full_disk_is_told_with_a_cure_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unwritable, match="No space left") as refused, FolderStore(tmp_path).writing("a"):
        pass
    assert "free some space" in refused.value.cure
    assert list(tmp_path.iterdir()) == []


def test_missing_rights_are_told_with_a_cure(tmp_path):
    refused = unwritable(tmp_path, PermissionError(errno.EACCES, "Permission denied"))

    assert str(refused) == f"cannot write to {tmp_path}: Permission denied"
    assert "store" in refused.cure
    assert refused.exit_code == 1


def test_a_relative_folder_is_made_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_folder(Path("a/b"))
    make_folder(Path())

    assert (tmp_path / "a" / "b").is_dir()


def test_a_missing_folder_holds_no_files(tmp_path):
    assert FolderStore(tmp_path / "none").names("plans") == []


@pytest.mark.parametrize("links", [True, False])
def test_a_file_is_created_once(tmp_path, monkeypatch, links):
    """Also where the file system has no hard links."""

    def no_links(*_args):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", no_links)

    assert create_whole(tmp_path / "a", b"first")
    assert not create_whole(tmp_path / "a", b"second")
    assert [(tmp_path / "a", b"first")] == [(path, path.read_bytes()) for path in tmp_path.iterdir()]
    assert mode(tmp_path / "a") == 0o600


def test_other_trouble_with_creating_is_not_hidden(tmp_path, monkeypatch):
    def broken(*_args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", broken)
    with pytest.raises(OSError, match="Input/output"):
        create_whole(tmp_path / "a", b"first")
    assert list(tmp_path.iterdir()) == []
