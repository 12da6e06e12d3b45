"""`rollout doctor` on the embedded organization: exit codes, words, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rollout.cli.app import run
from rollout.sandbox.serving.server import Sandbox

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HUB, ACQUIRED, CLOSED = "222233334444", "200030004000", "999900001111"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="doctor") as running:
        yield running


@pytest.fixture(autouse=True)
def _in_its_folder(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "rollout.yaml").write_text(sandbox.settings().replace('store: ".."', "store: ."))
    monkeypatch.chdir(tmp_path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str, expected: int) -> dict[str, Any]:
    assert expected == run(["doctor", "--json", *arguments])
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def of(said: dict[str, Any], **wanted: str) -> list[dict[str, Any]]:
    return [check for check in said["checks"] if wanted.items() <= check.items()]


def test_an_account_that_cannot_be_entered_is_exit_code_4(capsys: pytest.CaptureFixture[str]):
    said = told(capsys, expected=4)
    (failure,) = of(said, state="failure")
    assert (ACQUIRED, "acquired-co", "enter") == (
        failure["account_id"],
        failure["account_name"],
        failure["name"],
    )
    assert any("joined by invitation" in cure for cure in failure["cures"])
    assert "not checked: closed" == of(said, account_id=CLOSED)[0]["text"]


def test_what_is_well_is_exit_code_0_and_writes_stay_untested(capsys: pytest.CaptureFixture[str]):
    said = told(capsys, "--account", HUB, expected=0)
    assert "warning" == said["state"]
    assert {HUB} == {check["account_id"] for check in of(said, section="account")}
    (write,) = of(said, name="write")
    assert ("warning", True) == (write["state"], write["text"].startswith("not tested: "))
    (read,) = of(said, name="read")
    assert "(by asking)" in read["text"]
    assert any("ursula.vance" in check["text"] for check in of(said, name="quotas"))


def test_a_doctor_writes_nothing(sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    before = sorted(path.name for path in tmp_path.iterdir())
    told(capsys, "--ou", "Workloads/Dev", expected=0)
    assert before == sorted(path.name for path in tmp_path.iterdir())


def test_another_organization_is_exit_code_6(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ROLLOUT_ORGANIZATION", "o-a1b2c3d4e5")
    said = told(capsys, expected=6)
    assert said["other_organization"]
    assert [] == of(said, section="account")


def test_no_credentials_are_exit_code_1_with_the_cure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (failure,) = of(told(capsys, expected=1), state="failure")
    assert "AWS_PROFILE" in failure["cures"][0]


def test_an_expired_session_is_exit_code_1_with_the_cure(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in sandbox.expired_environment().items():
        monkeypatch.setenv(name, value)
    (failure,) = of(told(capsys, expected=1), state="failure")
    assert "sign in again" in failure["cures"][0]


def test_somebody_who_may_not_list_the_organization_is_exit_code_1(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in sandbox.environment_of("arn:aws:iam::444455556666:user/pavel.horak").items():
        monkeypatch.setenv(name, value)
    said = told(capsys, expected=1)
    failed = {check["name"] for check in of(said, state="failure")}
    assert failed & {"organization", "accounts"}
    assert all(check["cures"] for check in of(said, state="failure"))


def test_an_endpoint_in_the_clear_is_exit_code_1_with_the_cure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.example.com")
    (failure,) = of(told(capsys, expected=1), state="failure")
    assert "use https" in failure["cures"][0]


def test_people_read_words_and_what_many_accounts_share_is_said_once(capsys: pytest.CaptureFixture[str]):
    assert 4 == run(["doctor"])
    said = capsys.readouterr()
    for title in ("Caller", "Organization", "Accounts", "Needs attention"):
        assert title in said.out
    assert 1 == said.out.count("no simulation")
    assert "Diagnosis: failure (1 failure, " in said.out
    assert "Checking accounts: 11 of 11" in said.err


def test_an_empty_selection_is_wrong_usage():
    assert 2 == run(["doctor", "--account", "nobody"])
