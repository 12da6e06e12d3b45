"""What a machine remembers of a journal's end: one small file, which nothing depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.store.last_seen import LastSeen
from rollout.wiring.stores import state_folder
from tests.builders import ORGANIZATION


def remembered(folder: Path, place: str = "s3://bucket/team") -> LastSeen:
    return LastSeen(folder, ORGANIZATION, place)


def test_ends_are_remembered_for_each_store_apart(tmp_path: Path):
    remembered(tmp_path).remember({"run-1": "a"}, instead_of={})
    assert {"run-1": "a"} == remembered(tmp_path).ends()
    assert {} == remembered(tmp_path, "s3://bucket/other").ends()


def test_what_another_process_remembered_meanwhile_stays(tmp_path: Path):
    seen = remembered(tmp_path)
    seen.remember({"run-1": "a", "run-2": "b"}, instead_of={})
    remembered(tmp_path).remember({"run-3": "c"}, instead_of={})
    seen.remember({"run-2": "bb"}, instead_of={"run-1": "a", "run-2": "b"})
    assert {"run-2": "bb", "run-3": "c"} == seen.ends()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"schema": 2, "ends": {"a": "b"}}', b"\xff"])
def test_what_cannot_be_read_counts_for_nothing_and_is_replaced(tmp_path: Path, content: bytes):
    seen = remembered(tmp_path)
    seen.remember({"run-1": "a"}, instead_of={})
    Path(seen.where).write_bytes(content)
    assert {} == seen.ends()
    seen.remember({"run-2": "b"}, instead_of={})
    assert {"run-2": "b"} == seen.ends()


def test_where_nothing_can_be_written_nothing_is_remembered():
    seen = remembered(Path("/dev/null/state"))
    seen.remember({"run-1": "a"}, instead_of={})
    assert {} == seen.ends()


def test_the_folder_follows_the_users_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert tmp_path / "rollout" == state_folder()
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path / ".local/state/rollout" == state_folder()
