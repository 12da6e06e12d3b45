"""Whoever is locked out is let out, whatever else does not answer: bucket, key, AWS Organizations, settings."""

from __future__ import annotations

import logging
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import boto3
import pytest

from rollout.awsapi import retries
from rollout.awsapi.retries import BRIEF, Retries
from rollout.awsapi.sessions import Connection
from rollout.awsapi.time_limit import TimeLimit
from rollout.domain.progress.records import Record
from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.serving.server import Sandbox
from rollout.store.folder.segments import FolderJournal
from rollout.store.lock_holder import Holder
from rollout.store.s3.bucket_store import InBucket
from rollout.store.s3.object_failures import Place
from rollout.workflows.recording.release_journal import ReleaseJournal
from tests.builders import a_run, a_told
from tests.cli.conftest import Kept
from tests.cli.shell import ROOT, Said, Shell, listening, writes
from tests.end_to_end.iam_state import Onlooker
from tests.interventions import Call, refused
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
    objects: dict[str, bytes]


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
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    objects = {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
    return Enforced(Kept.of(shell, sandbox), s3, frozenset(aws.denied() - before), objects)


@pytest.fixture
def ana(enforced: Enforced, sandbox: Sandbox, tmp_path: Path) -> Shell:
    """The folder of an operator, with bucket and organization as they were when everybody was enforced."""
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


def test_what_no_release_writes_is_not_recorded(ana: Shell, sandbox: Sandbox, released_unrecorded: Path):
    """A notice, say, which would put somebody under the policy who was never told."""
    before, run = journal(ana, sandbox), released_unrecorded.stem
    shutil.rmtree(released_unrecorded.parents[1])
    FolderJournal(released_unrecorded.parents[1], run).append(a_run(run), a_told(run=run))
    said = ana("inventory", "--out", "users.csv")
    assert "holds what no release writes, such as RunStarted" in said.err
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


def test_an_account_named_by_its_id_is_let_out_before_the_journal_is_read(ana: Shell, enforced: Enforced):
    with listening() as heard:
        assert 0 == release(ana, "--account", ACCOUNT).code
    first = next(number for number, line in enumerate(heard) if line.startswith("iam Set"))
    assert not [line for line in heard[:first] if "/journal/" in line or line.startswith("organizations ")]
    assert [line for line in heard[first:] if "/journal/" in line]


def test_a_release_under_settings_that_do_not_name_the_store_is_recorded_once_they_do(
    ana: Shell, sandbox: Sandbox, enforced: Enforced
):
    settings_file, before = ana.folder / "rollout.yaml", journal(ana, sandbox)
    right = settings_file.read_text()
    settings_file.write_text(right.replace("store: s3://", "store: [s3://"))
    said = release(ana, "--all")
    assert 0 == said.code, said.err
    assert "This release was not recorded: the settings that can be read do not tell which store" in said.err
    assert {".rollout", "rollout.yaml"} <= {path.name for path in ana.folder.iterdir()}
    assert not (ana.folder / "journal").exists()
    settings_file.write_text(right)
    assert "1 runs are not recorded in the store yet" in ana("status").err
    assert 0 == ana("inventory", "--out", "users.csv").code
    assert ["RunStarted", "Released"] == kinds(journal(ana, sandbox)[len(before) :])[:2]
    assert "not recorded" not in ana("status").err


def test_without_aws_organizations_the_journal_and_the_plan_tell_the_accounts(
    ana: Shell, sandbox: Sandbox, enforced: Enforced
):
    with refusing("organizations")(ana, sandbox, enforced):
        said = release(ana, "--all")
        by_name = release(ana, "--account", "account-00")
    assert 0 == said.code, said.err
    assert "AWS Organizations does not answer; going by the 5 accounts known without it" in said.err
    assert 0 == by_name.code, by_name.err


def test_a_plan_that_cannot_tell_of_accounts_is_named(ana: Shell, sandbox: Sandbox, enforced: Enforced):
    (plan,) = (key for key in enforced.objects if key.endswith(".yaml") and "/plans/" in key)
    altered = enforced.objects[plan].replace(b"verdict: enforce", b"verdict: hold", 1)
    enforced.s3.put_object(Bucket=BUCKET, Key=plan, Body=altered)
    with refusing("organizations")(ana, sandbox, enforced):
        everybody = release(ana, "--all")
    assert 0 == everybody.code, everybody.err
    assert "the plan cannot tell of more accounts: " in everybody.err
    assert f"s3://{BUCKET}/{plan} was altered" in everybody.err


# --- What the brake needs: the table in docs/undoing.md ---

ALICE = f"arn:aws:iam::{ACCOUNT}:user/user-00-02"
COMMANDS = {
    "`release --account ID`": ("release", "--account", ACCOUNT),
    "`release --all`": ("release", "--all"),
    "`release --wave W`": ("release", "--wave", "last"),
    "`release --user ARN`": ("release", "--user", ALICE),
    "`release --user GLOB`": ("release", "--user", "*/user-00-02"),
    "`rollback`": ("rollback", "--user", ALICE),
}
Environment = dict[str, str]
TakeAway = Callable[[Shell, Sandbox, "Enforced"], AbstractContextManager[Environment]]


def refusing(service: str, operation: str = "*") -> TakeAway:
    """Make a service refuse every call, or those of one operation."""

    @contextmanager
    def refuse(_shell: Shell, sandbox: Sandbox, _enforced: Enforced) -> Iterator[Environment]:
        inner = sandbox._server.app

        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            call = Call.of(environ, sandbox._world)
            if call.service != service or operation not in ("*", call.operation):
                return inner(environ, start_response)
            logging.getLogger("rollout.sandbox.serving.gateway").info("%s %s 400", service, call.operation)
            return refused(AwsError("AccessDenied", "not today"), service, environ, start_response)

        sandbox._server.app = answer
        try:
            yield {}
        finally:
            sandbox._server.app = inner

    return refuse


def without_objects(prefix: str) -> TakeAway:
    @contextmanager
    def delete(_shell: Shell, _sandbox: Sandbox, enforced: Enforced) -> Iterator[Environment]:
        for key in enforced.objects:
            if key.startswith(f"enforced/{prefix}"):
                enforced.s3.delete_object(Bucket=BUCKET, Key=key)
        yield {}

    return delete


@contextmanager
def held_lock(_shell: Shell, sandbox: Sandbox, enforced: Enforced) -> Iterator[Environment]:
    """Somebody else holds it, on a machine that nobody can see."""
    holder = Holder("carol", "build-7", 1, "").holding(NOW, "apply --stage enforce")
    key = f"enforced/locks/{sandbox.organization_id}.json"
    enforced.s3.put_object(Bucket=BUCKET, Key=key, Body=holder.written())
    yield {}


@contextmanager
def no_settings(shell: Shell, _sandbox: Sandbox, _enforced: Enforced) -> Iterator[Environment]:
    (shell.folder / "rollout.yaml").write_text("store: [")
    yield {}


@contextmanager
def no_key(shell: Shell, sandbox: Sandbox, enforced: Enforced) -> Iterator[Environment]:
    with refusing("kms")(shell, sandbox, enforced):
        yield {"ROLLOUT_STORE_KEY": "alias/rollout"}


NEEDS: dict[str, TakeAway] = {
    "IAM and STS of AWS": refusing("iam"),
    "a role in the account": refusing("sts", "AssumeRole"),
    "AWS Organizations": refusing("organizations"),
    "the store": refusing("s3"),
    "the journal in it": without_objects("journal/"),
    "a plan in it": without_objects("plans/"),
    "the store's key": no_key,
    "the lock": held_lock,
    "a readable `rollout.yaml`": no_settings,
    "with `--for`: a store that can be written": refusing("s3"),
}


def table() -> tuple[list[str], dict[str, list[str]]]:
    """The columns, and the cells of each row."""
    section = (ROOT / "docs" / "undoing.md").read_text().partition("### What the brake needs")[2]
    lines = takewhile(
        lambda line: line[:1] == "|", dropwhile(lambda line: line[:1] != "|", section.splitlines())
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return rows[0][1:], {row[0]: row[1:] for row in rows[2:]}


def test_the_table_of_what_the_brake_needs_is_whole():
    columns, rows = table()
    assert (list(COMMANDS), list(NEEDS)) == (columns, list(rows))


@pytest.mark.slow  # each of six commands, from where everybody is enforced
@pytest.mark.parametrize("thing", NEEDS)
def test_what_the_brake_needs_is_what_the_table_says(
    thing: str,
    enforced: Enforced,
    sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("rollout.cli.commands.release.sleep", lambda _: None)
    columns, rows = table()
    for column, cell in zip(columns, rows[thing], strict=True):
        if cell == "–":
            continue
        shell = enforced.kept.again(tmp_path_factory.mktemp("operator"), sandbox)
        words = [*COMMANDS[column], "--yes"]
        words += ["--reason", "INC-7"] if words[0] == "release" else []
        words += ["--for", "4h"] if "--for" in thing else []
        with NEEDS[thing](shell, sandbox, enforced) as env, listening() as heard:
            said = shell(*words, env=env)
        done = any(line.startswith("iam ") for line in writes(heard))
        assert (cell != "needed") == done, (column, thing, said.err, heard)
        assert (said.code != 0) == (cell == "needed"), (column, thing, said.code, said.err)
        asked = any(line.startswith("organizations ") for line in heard)
        assert asked or "Organizations" not in thing or cell != "used", (column, heard)
        assert not (asked and "Organizations" in thing and cell == "not used"), (column, heard)
