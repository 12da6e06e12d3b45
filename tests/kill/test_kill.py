"""The kill test in small; `make kill` runs it whole, and `make soak` kills at every write."""

from pathlib import Path

import pytest

from tests.kill.killing import Kills, kill_test
from tests.kill.organization import Size


@pytest.mark.slow  # two dozen runs, half of which are killed: nothing else shows that a run may really die
def test_any_kill_at_any_moment_loses_nothing_and_does_nothing_twice(tmp_path: Path):
    figures = kill_test(tmp_path, Size(accounts=2, users=10, waves=1), Kills(enforce=6, stride=6), seed=1)
    assert 6 < figures.kills.total()
    assert figures.effective == figures.journalled
