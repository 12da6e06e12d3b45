"""Whoever is locked out is let out, whatever else does not answer: bucket, key, AWS Organizations, settings."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from rollout.awsapi import retries
from rollout.awsapi.retries import BRIEF, Retries
from rollout.awsapi.sessions import Connection
from rollout.awsapi.time_limit import TimeLimit
from rollout.domain.progress.records import Record
from rollout.sandbox.serving.server import Sandbox
from rollout.store.s3.bucket_store import InBucket
from rollout.store.s3.object_failures import Place
from rollout.workflows.recording.release_journal import ReleaseJournal
from tests.cli.conftest import Kept
from tests.cli.shell import Said, Shell
from tests.end_to_end.iam_state import Onlooker
from tests.kill.organization import Size, describe, settings

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BUCKET = "state-of-rollout"
ACCOUNT = f"{1:012d}"
IN_PART, REFUSED = 4, 5


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A small organization: what is tested here is what is away."""
    description = tmp_path_factory.mktemp("small") / "organization.json"
    describe(Size(accounts=1, users=7), description)
    with Sandbox.start(NOW, instance="brake", description=description, ticking=False) as running:
        yield running


@dataclass(frozen=True)
class Enforced:
    """Where everybody whom the plan enforces is under the policy, by way of a bucket."""

    kept: Kept
    s3: Any
    denied: frozenset[str]
    objects: frozenset[str]


@pytest.fixture(scope="module")
def enforced(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Enforced:
    environment = sandbox.environment()
    s3 = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    s3.create_bucket(Bucket=BUCKET)
    aws = Onlooker(environment)
    before = aws.denied()
    folder = tmp_path_factory.mktemp("enforced")
    text = settings(sandbox.organization_id, waves=1)
    (folder / "rollout.yaml").write_text(
        f"{text}store: s3://{BUCKET}/enforced\nrules: {{max_exempt_percent: 20}}\n"
    )
    shell = Shell(folder, environment)
    for words in (
        ("plan",),
        ("apply",),
        ("apply", "--stage", "notify", "--yes"),
        ("apply", "--stage", "enforce", "--yes"),
    ):
        if "enforce" in words:
            sandbox.advance(timedelta(days=2))
        said = shell(*words)
        assert said.code in (0, IN_PART), said.err
    objects = {item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    return Enforced(Kept.of(shell, sandbox), s3, frozenset(aws.denied() - before), frozenset(objects))


@pytest.fixture
def ana(enforced: Enforced, sandbox: Sandbox, tmp_path: Path) -> Shell:
    """The folder of an operator, and everybody enforced; what earlier tests wrote to the bucket is gone."""
    for page in enforced.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for item in page["Contents"]:
            if item["Key"] not in enforced.objects:
                enforced.s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    return enforced.kept.again(tmp_path, sandbox)


@contextmanager
def blackhole() -> Iterator[dict[str, str]]:
    """An S3 that takes every connection, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        yield {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{silent.getsockname()[1]}"}


def release(shell: Shell, *words: str, env: Mapping[str, str] | None = None) -> Said:
    return shell("release", *words, "--reason", "INC-7", "--yes", env=env)


def journal(shell: Shell, sandbox: Sandbox) -> list[Record]:
    """What the bucket's journal says."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        return list(InBucket(Connection(), Place(BUCKET, "enforced")).journal("look").records())


def unrecorded(shell: Shell) -> list[Path]:
    return sorted((shell.folder / ".rollout").rglob("*.jsonl"))


# --- The bucket ---


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a tenth of a second for what people wait three seconds for."""
    monkeypatch.setattr(retries, "brief_retries", lambda: Retries(BRIEF, limit=TimeLimit(0.1)))


@pytest.mark.usefixtures("impatient")
def test_a_bucket_that_never_answers_is_asked_once_and_what_it_missed_is_recorded_by_the_next_command(
    ana: Shell, sandbox: Sandbox, enforced: Enforced
):
    aws = Onlooker(sandbox.environment())
    with blackhole() as away:
        said = release(ana, "--account", ACCOUNT, env=away)
    assert 0 == said.code, said.err
    assert set() == aws.denied() & enforced.denied
    (kept,) = unrecorded(ana)
    assert "This release was not recorded: " in said.err
    assert str(kept.parents[1].relative_to(ana.folder)) in said.err
    assert 0o600 == kept.stat().st_mode & 0o777
    before = journal(ana, sandbox)

    looked = ana("verify", "--json")
    assert 0 == looked.code, looked.err
    assert [] == looked.json["drift"]
    (by,) = looked.json["users"]["released"]
    assert "INC-7" in str(by) or by["users"] == len(enforced.denied)
    new = journal(ana, sandbox)[len(before) :]
    assert ["RunStarted", "Released", "Intent", "Settled", "RunEnded"] == [type(one).__name__ for one in new][
        :5
    ]
    assert [] == unrecorded(ana)
    assert not (ana.folder / ".rollout").exists() or not list((ana.folder / ".rollout").iterdir())


@pytest.fixture
def released_unrecorded(ana: Shell, sandbox: Sandbox) -> Path:
    """The records of a release for which the bucket was not there; it is back."""
    assert 0 == release(ana, "--account", ACCOUNT, env={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}).code
    (kept,) = unrecorded(ana)
    return kept


def kinds(records: Iterable[Record]) -> list[str]:
    return [type(record).__name__ for record in records]


OF_A_RELEASE = ["RunStarted", "Released", "Intent", "Settled", "RunEnded"]


def test_a_command_that_dies_after_recording_does_not_make_it_be_recorded_twice(
    ana: Shell, sandbox: Sandbox, released_unrecorded: Path
):
    """Two machines have the same file, too: the second finds everything in the store already."""
    before = journal(ana, sandbox)
    folder = ana.folder / ".rollout"
    shutil.copytree(folder, ana.folder / "copy")
    for _ in range(2):
        assert 0 == ana("inventory", "--out", "users.csv").code
        assert OF_A_RELEASE == kinds(journal(ana, sandbox)[len(before) :])
        shutil.copytree(ana.folder / "copy", folder, dirs_exist_ok=True)


def test_of_a_damaged_file_what_is_whole_is_recorded_and_the_rest_is_named_and_kept(
    ana: Shell, sandbox: Sandbox, released_unrecorded: Path
):
    before = journal(ana, sandbox)
    released_unrecorded.write_bytes(released_unrecorded.read_bytes().replace(b"request_id", b"request_ID"))
    said = ana("inventory", "--out", "users.csv")
    assert 0 == said.code, said.err
    assert f"{released_unrecorded.name}, line 5 is damaged" in said.err
    assert ["RunStarted", "Released", "Intent", "RunEnded"] == kinds(journal(ana, sandbox)[len(before) :])
    assert ana("inventory", "--out", "users.csv").err.count("damaged") == 0
    assert 1 == len(unrecorded(ana))


def test_what_others_could_have_written_is_not_recorded(
    ana: Shell, sandbox: Sandbox, released_unrecorded: Path
):
    before = journal(ana, sandbox)
    released_unrecorded.chmod(0o622)
    said = ana("inventory", "--out", "users.csv")
    assert f"{released_unrecorded} can be written by other users" in said.err.replace("\n", "")
    assert before == journal(ana, sandbox)


def test_a_release_that_was_ended_since_is_not_begun_again_by_recording_it(
    ana: Shell, sandbox: Sandbox, released_unrecorded: Path, tmp_path_factory: pytest.TempPathFactory
):
    """The colleague finds everybody let out by hand, as it seems, and ends that."""
    bob = Shell(tmp_path_factory.mktemp("bob"), sandbox.environment())
    shutil.copy(ana.folder / "rollout.yaml", bob.folder)
    sandbox.advance(timedelta(minutes=1))
    assert 0 == bob("release", "--account", ACCOUNT, "--end", "--yes").code
    before = journal(ana, sandbox)
    said = ana("inventory", "--out", "users.csv")
    assert "has been ended since" in said.err
    assert before == journal(ana, sandbox)
    assert [] == unrecorded(ana)


class Death(BaseException):
    """The end of a process, as far as it can be had in this one."""


def test_a_release_that_dies_after_its_write_is_recorded_by_the_next_command(
    ana: Shell, sandbox: Sandbox, enforced: Enforced, monkeypatch: pytest.MonkeyPatch
):
    """The bucket is there, but an account named by its id is let out before it is asked for anything to be recorded."""
    before, aws = journal(ana, sandbox), Onlooker(sandbox.environment())

    def die(_: ReleaseJournal) -> None:
        assert set() == aws.denied() & enforced.denied
        assert before == journal(ana, sandbox)
        raise Death

    monkeypatch.setattr(ReleaseJournal, "catch_up", die)
    with pytest.raises(Death):
        release(ana, "--account", ACCOUNT)
    said = ana("inventory", "--out", "users.csv")
    assert "Recorded 4 records of run" in said.err
    assert OF_A_RELEASE[:4] == kinds(journal(ana, sandbox)[len(before) :])
