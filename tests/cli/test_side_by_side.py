"""Accounts read and judged in other processes make the plan that threads make."""

from __future__ import annotations

import pytest

from rollout.execution.worker_processes import ProcessEngine
from tests.cli.shell import Shell


@pytest.mark.slow  # two processes import boto3 before they work
def test_a_plan_made_in_processes_is_the_plan_made_in_threads(
    planned: Shell, monkeypatch: pytest.MonkeyPatch
):
    """So it is kept, for nothing has changed."""
    used, in_processes = [], ProcessEngine.map

    def noted(self: ProcessEngine, task, items):
        used.append(len(items))
        return in_processes(self, task, items)

    monkeypatch.setattr(ProcessEngine, "map", noted)
    monkeypatch.setattr("rollout.execution.measured.WORTH_A_PROCESS", 0.0)
    monkeypatch.setattr("rollout.execution.measured.usable_cores", lambda: 2)
    monkeypatch.setenv("ROLLOUT_ENGINE__MAX_ACCOUNTS", "2")
    again = planned("plan")
    assert 4 == again.code, again.err
    assert "is kept" in again.out
    assert [True] == [number > 2 for number in used]
