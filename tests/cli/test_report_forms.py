"""`rollout report` for other programs, and who has moved since an earlier day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rollout.aws.security_hub import _batches
from rollout.awsapi.sessions import Connection
from rollout.reporting.formats.report_formats import ReportFormat
from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import ONE_ACCOUNT
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
    assert "--format ocsf" in said.errors[-1]
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
    page = next((told.folder / "reports").glob("*/index.html")).read_text()
    assert '<h2 id="moved-title">Who moved</h2>' in page
    assert re.search(r"badge[^>]*>waiting</span></td>\s*<td>[^<]*<span[^>]*>told<", page)

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


def test_the_nightly_look_leaves_its_numbers_for_prometheus(told: Shell, tmp_path: Path):
    file = tmp_path / "collector" / "rollout.prom"
    said = told("verify", "--account", ONE_ACCOUNT, "--json", "--metrics", str(file))
    found = dict(line.rsplit(" ", 1) for line in file.read_text().splitlines() if not line.startswith("#"))
    assert str(said.json["accounts"]) == found["rollout_verify_accounts_read"]
    assert str(len(said.json["drift"])) == str(
        sum(int(value) for name, value in found.items() if name.startswith("rollout_verify_drift{"))
    )
    assert str(said.json["users"]["enforced"]) == found['rollout_verify_users{state="enforced"}']


class Hub:
    """Security Hub, which takes what AWS takes, and refuses whom it is told to."""

    def __init__(self, refuses: str = "") -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.refuses = refuses

    def batch_import_findings(self, *, Findings: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's name
        assert len(Findings) <= 100
        self.calls.append(Findings)
        bad = [one for one in Findings if self.refuses and one["Resources"][0]["Id"].endswith(self.refuses)]
        failed = [{"Id": one["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": "no"} for one in bad]
        return {"SuccessCount": len(Findings) - len(bad), "FailedCount": len(bad), "FailedFindings": failed}

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [one for call in self.calls for one in call]


@contextmanager
def reaching(hub: Hub) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "for_notices", lambda *_: hub)
        yield


def test_findings_are_sent_a_hundred_at_a_time_as_those_of_the_account_that_calls(planned: Shell):
    hub = Hub()
    with reaching(hub):
        said = planned("report", "--format", "asff", "--send", "--yes", "--json")
    assert 0 == said.code
    assert "Security Hub in account 111122223333" in said.err
    assert [100, said.json["sent"] - 100] == [len(call) for call in hub.calls]
    assert {"111122223333"} == {one["AwsAccountId"] for one in hub.findings}
    assert {"arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"} == {
        one["ProductArn"] for one in hub.findings
    }
    assert any(":iam::012345678901:user/" in one["Resources"][0]["Id"] for one in hub.findings)


def test_what_security_hub_refuses_is_listed_and_ends_in_part(planned: Shell):
    with reaching(Hub(refuses="/quinn.murphy")):
        said = planned("report", "--format", "asff", "--send", "--yes")
    assert 4 == said.code
    assert "InvalidInput: no" in said.err


def test_nothing_is_sent_unasked(planned: Shell):
    hub = Hub()
    with reaching(hub):
        assert 2 == planned("report", "--format", "asff", "--send").code
        assert 2 == planned("report", "--send", "--yes").code
        assert 0 == planned("report", "--format", "asff").code
    assert [] == hub.calls


def test_a_finding_beyond_the_limit_of_a_finding_is_left_out_and_named():
    refused: list[tuple[str, str]] = []
    found = [{"Id": "small"}, {"Id": "large", "Description": "x" * 250_000}, {"Id": "last"}]
    assert [["small", "last"]] == [[one["Id"] for one in batch] for batch in _batches(found, refused)]
    assert ["large"] == [uid for uid, _ in refused]
