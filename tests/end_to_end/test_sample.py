"""The committed sample of a plan and of a report is what `rollout demo --sample` makes, wherever it is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shell import ROOT, Shell


def content(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for kind in ("plans", "reports")
        for path in sorted((root / kind / "sample").rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow  # a rollout half-way through, one account after the other
def test_it_is_the_same_to_the_byte(tmp_path: Path):
    said = Shell(tmp_path, {})("demo", "--sample")
    assert 0 == said.code, said.err
    made, kept = content(tmp_path), content(ROOT)
    assert list(kept) == list(made)
    changed = [name for name in kept if kept[name] != made[name]]
    assert not changed, "run `rollout demo --sample` in the repository and commit what it writes"
