"""`rollout status` as one screen: the figures of the page, bars, gates, and what is to be decided."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from rollout.cli.terminal.headline import bar
from tests.cli.shell import Shell

if TYPE_CHECKING:
    import pytest


def test_a_bar_is_as_wide_as_its_numbers_and_nothing_is_an_empty_one():
    assert "[#####=====..........]" == bar((("#", 1), ("=", 1), (".", 2)), 20)
    assert "[                    ]" == bar((("#", 0),), 20)
    assert {22} == {len(bar((("#", number), ("=", 97 - number)), 20)) for number in range(98)}


def test_the_screen_says_what_the_report_says(planned: Shell):
    screen = planned("status").out
    said = re.search(
        r"([\d,]+) of ([\d,]+) users \([\d.]+ %\) (?:is|are) under MFA enforcement: ([\d,]+) by this", screen
    )
    assert said
    planned("report")
    (users,) = planned.folder.glob("reports/*/users.csv")
    rows = list(csv.DictReader(users.read_text("utf-8").splitlines()))
    safe = [row for row in rows if row["enforced"] == "true" or row["verdict"] == "covered"]
    ours = [row for row in safe if row["verdict"] != "covered"]
    assert [len(safe), len(rows), len(ours)] == [int(number) for number in said.groups()]
    (page,) = planned.folder.glob("reports/*/index.html")
    assert f"<strong>{len(safe)} of {len(rows)} users seen" in page.read_text("utf-8")
    held = [row for row in rows if row["verdict"] == "hold" and row["reasons"].split("; ")[0] == "machine"]
    assert re.search(rf"(?m)^machine +{len(held)} +2026-11-2\d ", screen)
    assert "accounts not entered" in screen


def test_watching_shows_it_again_until_somebody_stops_it(planned: Shell, monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("rollout.cli.commands.status.time.sleep", sleep)
    said = planned("status", "--watch")
    assert 0 == said.code
    assert 2 == said.out.count("under MFA enforcement")
    assert 2 == planned("status", "--watch", "--json").code
