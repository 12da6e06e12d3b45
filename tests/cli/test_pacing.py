"""How fast a run goes, how long it still takes, and when a line is due; a bar for people, lines for logs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.cli.terminal import console
from rollout.cli.terminal.console import TerminalProgress
from rollout.cli.terminal.pacing import SECONDS_BETWEEN_LINES, Pacing, span


class Seconds:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_says_counts_share_rate_time_left_and_where():
    pacing = Pacing(5_000, began=0.0)
    pacing.advance(1_200, "222233334444 hub", now=30.0)
    assert "1,200 of 5,000 (24%), 40 per second, 2 min left; 222233334444 hub" == pacing.line(30.0)


def test_slow_work_is_counted_by_the_minute():
    pacing = Pacing(10, began=0.0)
    pacing.advance(2, "", now=60.0)
    assert "2 of 10 (20%), 2 per minute, 4 min left" == pacing.line(60.0)


def test_before_anything_is_done_nobody_knows_the_rate():
    assert "0 of 10 (0%)" == Pacing(10, began=0.0).line(9.0)
    assert "0 of 0" == Pacing(0, began=0.0).line(9.0)
    assert None is Pacing(10, began=0.0).left(9.0)


def test_when_all_is_done_nothing_is_left():
    pacing = Pacing(10, began=0.0)
    pacing.advance(10, "", now=20.0)
    assert "10 of 10 (100%), 30 per minute" == pacing.line(20.0)
    assert "10 of 10 in 20 s" == pacing.end(20.0)


def test_what_was_quick_is_not_timed():
    pacing = Pacing(10, began=0.0)
    pacing.advance(10, "", now=1.0)
    assert "10 of 10" == pacing.end(1.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3_599, "1 h 0 min"), (7_500, "2 h 5 min")],
)
def test_a_time_is_said_so_that_it_can_be_read_in_passing(seconds: float, said: str):
    assert said == span(seconds)


@given(st.lists(st.floats(0, 20), max_size=80))
def test_lines_never_come_closer_than_a_few_seconds(waits: list[float]):
    pacing, now, said = Pacing(100, began=0.0), 0.0, [0.0]
    for wait in waits:
        now += wait
        if pacing.advance(1, "", now):
            said.append(now)
        assert now - said[-1] < SECONDS_BETWEEN_LINES
    assert all(later - earlier >= SECONDS_BETWEEN_LINES for earlier, later in itertools.pairwise(said))


@pytest.fixture
def lines(monkeypatch):
    """What is printed on stderr, where that is no terminal."""
    said: list[str] = []

    class Log:
        is_terminal = False

        def print(self, text: str) -> None:
            said.append(text)

    monkeypatch.setattr(console, "err", Log())
    return said


def test_without_a_terminal_a_line_comes_every_few_seconds(lines):
    seconds = Seconds()
    progress = TerminalProgress(seconds)
    progress.begin("Enforcing", 1_000)
    for _ in range(20):
        seconds.now += 1
        progress.advance("222233334444 hub", 10)
    progress.finish()
    assert [
        "Enforcing: 50 of 1,000 (5%), 10 per second, 2 min left; 222233334444 hub",
        "Enforcing: 100 of 1,000 (10%), 10 per second, 2 min left; 222233334444 hub",
        "Enforcing: 150 of 1,000 (15%), 10 per second, 1 min left; 222233334444 hub",
        "Enforcing: 200 of 1,000 (20%), 10 per second, 1 min left; 222233334444 hub",
        "Enforcing: 200 of 1,000 in 20 s",
    ] == lines


def test_what_is_counted_next_starts_from_the_beginning(lines):
    seconds = Seconds()
    progress = TerminalProgress(seconds)
    for what in ("Looking", "Enforcing"):
        progress.begin(what, 2)
        progress.advance()
        seconds.now += 3
        progress.advance()
        progress.finish()
    assert ["Looking: 2 of 2", "Enforcing: 2 of 2"] == lines
