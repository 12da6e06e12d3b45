"""`rollout report` for other programs, and who has moved since an earlier day."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from rollout.reporting.formats.report_formats import ReportFormat
from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell


def test_each_form_is_written_beside_the_page_and_the_numbers_are_those_of_the_terminal(planned: Shell):
    said = planned("report", "--json", *(word for form in ReportFormat for word in ("--format", form)))
    assert (0, "") == (said.code, said.err)
    assert [form for form in ReportFormat if not (planned.folder / said.json[form]).is_file()] == []

    document = json.loads((planned.folder / said.json["json"]).read_text())
    plan = planned("show", "--json").json
    users = [user for account in plan["accounts"] for user in account["users"]]
    assert len(users) == document["totals"]["users"]
    waves = {wave["wave"]: wave["users"] for wave in planned("status", "--json").json}
    assert waves == {wave["name"]: wave["users"] for wave in document["waves"]}


def test_a_form_whose_library_is_missing_is_refused_before_anything_is_read(planned: Shell):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rollout.reporting.formats.report_formats.find_spec", lambda _: None)
        said = planned("report", "--format", "ocsf")
    assert 1 == said.code
    assert "py_ocsf_models" in said.err
    assert "--format ocsf" in said.err.splitlines()[-1]
    assert not (planned.folder / "reports").exists()


def test_who_has_moved_since_a_day_or_a_plan_is_told(told: Shell, sandbox: Sandbox):
    """Yesterday everybody of the account was told; a plan of today leaves them where they are."""
    first = next((told.folder / "plans").glob("*.yaml")).stem
    by_plan = told("report", "--json", "--since", first).json["moved"]
    assert by_plan
    assert {"waiting"} == {one["was"] for one in by_plan}
    assert {"told"} == {one["now"] for one in by_plan}

    text = told("report", "--since", first, "--format", "markdown").out
    assert "waiting" in text
    summary = next((told.folder / "reports").glob("*/summary.md")).read_text()
    assert "| waiting | told |" in summary

    sandbox.advance(timedelta(days=2))
    assert [] == told("report", "--json", "--since", "2026-11-26").json["moved"]


def test_before_the_first_plan_nobody_stood_anywhere(planned: Shell):
    said = planned("report", "--since", "2020-01-01")
    assert 1 == said.code
    assert "no plan yet on 2020-01-01 00:00 UTC" in said.err


def test_a_report_with_evidence_is_checked_and_a_change_ends_with_6(planned: Shell):
    said = planned("report", "--evidence", "--json")
    folder = str((planned.folder / said.json["html"]).parent)
    assert {"changed": [], "not_compared": ["journal", "proof"], "same": 7} == planned(
        "report", "--check", folder, "--json"
    ).json

    page = planned.folder / said.json["html"]
    page.write_bytes(page.read_bytes().replace(b"MFA", b"MFa", 1))
    checked = planned("report", "--check", folder)
    assert 6 == checked.code
    assert "CHANGED: index.html was changed" in checked.out
    assert 2 == planned("report", "--check", folder, "--evidence").code
