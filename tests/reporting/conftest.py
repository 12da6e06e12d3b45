"""Gives tests a report on disk and a real browser to look at it with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from rollout.reporting import ReportFiles, write_report
from tests.builders import NOTIFIED
from tests.reporting.examples import SMALL_NOW, small_accounts, small_header, small_progress, small_rehearsal

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture
def small_report(tmp_path: Path) -> ReportFiles:
    return write_small_report(tmp_path / "report")


def write_small_report(folder: Path) -> ReportFiles:
    accounts = small_accounts()
    return write_report(
        folder,
        small_header(accounts),
        accounts,
        small_progress(),
        SMALL_NOW,
        notified=NOTIFIED,
        rehearsal=small_rehearsal(),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module: its event loop would be in the way of others. Ask for it under the mark `browser`."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()
