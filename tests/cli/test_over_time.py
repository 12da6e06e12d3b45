"""Each look leaves its figures in the store, and reports show what became of them."""

from __future__ import annotations

import re
import shutil

from tests.cli.shell import Shell


def commands(shell: Shell) -> list[str]:
    """The commands that have left their figures, the first one first."""
    found = (shell.folder / ".rollout/looks").glob("*/*Z-*.json.gz")
    return [path.name.partition("Z-")[2].removesuffix(".json.gz") for path in sorted(found)]


def test_a_plan_a_run_a_verification_and_an_inventory_leave_their_figures(told: Shell):
    assert ["apply-notify"] == commands(told)  # the plan before was narrowed, and a rehearsal changes nothing
    told("verify")
    assert 2 == told("inventory", "--out", "users.csv", "--keep", "--account", "1" * 12).code
    told("inventory", "--out", "users.csv", "--keep")
    assert ["apply-notify", "inventory", "verify"] == sorted(commands(told))
    told("report")
    (page,) = told.folder.glob("reports/*/index.html")
    text = page.read_text("utf-8")
    assert ["3 looks since 2026-11-24"] == re.findall(r"\d+ looks? since [\d-]+", text)
    assert "The figures of each look" in text


def test_a_store_that_takes_no_figures_costs_them_and_nothing_else(planned: Shell):
    assert ["plan"] == commands(planned)
    shutil.rmtree(planned.folder / ".rollout/looks")
    (planned.folder / ".rollout/looks").write_text("no folder")
    verified = planned("verify")
    assert 4 == verified.code
    assert "the figures of this look are not kept for later reports" in verified.err
