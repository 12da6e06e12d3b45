"""What is done around a command: what can wait until its work is done waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.store.formats import journal_progress
from tests.interventions import at_call

if TYPE_CHECKING:
    import pytest

    from rollout.sandbox.serving.server import Sandbox
    from tests.cli.shell import Shell


def test_a_run_begins_before_the_snapshot_of_the_journal_is_written(
    told: Shell, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    """It costs more than a second where the journal is long."""
    monkeypatch.setattr(journal_progress, "ENOUGH_LINES", 4)
    snapshots = told.folder / ".rollout" / "snapshots"
    there: list[bool] = []
    with at_call(sandbox, "AssumeRole", do=lambda: there.append(snapshots.exists())):
        said = told("apply")
    assert 0 == said.code, said.err
    assert [False] == there
    assert [f"{sandbox.organization_id}.snapshot"] == [path.name for path in snapshots.iterdir()]
