"""`rollout inventory` on the embedded organization, as a person would type it."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollout.cli.app import run
from rollout.reporting.user_columns import USERS
from rollout.sandbox.serving.server import Sandbox

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HUB = "222233334444"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="inventory", ticking=False) as running:
        yield running


@pytest.fixture(autouse=True)
def _in_its_folder(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "rollout.yaml").write_text(sandbox.settings().replace('store: ".."', "store: ."))
    monkeypatch.chdir(tmp_path)


def read(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everybody_is_listed_and_what_could_not_be_read_is_told(capsys: pytest.CaptureFixture[str]):
    assert 4 == run(["inventory", "--out", "users.csv"])
    users = read("users.csv")
    assert [column.name for column in USERS.columns] == list(users[0])
    assert 151 == len(users)
    assert {""} == {user["plan_id"] for user in users}
    said = capsys.readouterr()
    assert "10 accounts read, 151 users" in said.out
    assert "200030004000" in said.out
    assert "some accounts could not be read" in said.err


def test_the_file_is_its_owners_only_and_alone(tmp_path: Path):
    before = {path.name for path in tmp_path.iterdir()}
    run(["inventory", "--out", "deep/er/users.csv"])
    assert {*before, "deep"} == {path.name for path in tmp_path.iterdir()}
    file = tmp_path / "deep/er/users.csv"
    assert [file] == list(file.parent.iterdir())
    assert (0o600, 0o700) == tuple(stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent))


# Takes a second or more: the whole organization is read twice, by two commands.
def test_it_judges_as_plan_does(capsys: pytest.CaptureFixture[str]):
    run(["plan"])
    capsys.readouterr()
    run(["report", "--json"])
    report = json.loads(capsys.readouterr().out)
    run(["inventory", "--out", "users.csv"])
    planned, listed = read(report["users"]), read("users.csv")
    assert [user | {"plan_id": ""} for user in planned] == listed


def test_accounts_and_users_narrow_it(capsys: pytest.CaptureFixture[str]):
    assert 0 == run(["inventory", "--out", "users.csv", "--account", HUB, "--user", "*/a*", "--json"])
    users = read("users.csv")
    told = json.loads(capsys.readouterr().out)
    assert {HUB} == {user["account_id"] for user in users}
    assert len(users) == told["users"] == sum(told["verdicts"].values()) > 1
    assert all(user["user_name"].startswith("a") for user in users)
    assert [] == told["left_out"]


def test_an_ou_narrows_it():
    assert 0 == run(["inventory", "--out", "users.csv", "--ou", "Workloads/Dev"])
    assert all(user["ou_path"].startswith("Workloads/Dev") for user in read("users.csv"))


@pytest.mark.parametrize("narrow", [["--account", "no-such"], ["--ou", "No/Such"], ["--user", "nobody"]])
def test_an_empty_selection_is_an_error_and_writes_nothing(
    narrow: list[str], capsys: pytest.CaptureFixture[str]
):
    assert 2 == run(["inventory", "--out", "users.csv", *narrow])
    assert f'{narrow[0]} "{narrow[1]}"' in capsys.readouterr().err
    assert not Path("users.csv").exists()


@pytest.mark.parametrize("name", ["users.txt", "users", "folder.csv", "file.csv/users.csv"])
def test_a_place_that_cannot_be_written_is_refused_before_aws_is_asked(
    name: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # asking would fail otherwise
    Path("folder.csv").mkdir()
    Path("file.csv").touch()
    assert run(["inventory", "--out", name]) in {1, 2}


def test_credentials_of_another_organization_are_refused(tmp_path: Path):
    config = tmp_path / "rollout.yaml"
    config.write_text("organization: o-a1b2c3d4e5\n")
    assert 6 == run(["inventory", "--out", "users.csv"])
    assert not Path("users.csv").exists()
