"""A team of two rolls out from two machines, with nothing in common but an S3 bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from rollout.awsapi.sessions import Connection
from rollout.errors import AwsFailure
from rollout.sandbox.serving.server import Sandbox
from rollout.store.s3.bucket_lock import S3Lock
from rollout.store.s3.bucket_store import InBucket
from rollout.store.s3.object_failures import Place
from rollout.store.s3.objects import S3Objects
from tests.cli.shell import Shell
from tests.kill.organization import Size, describe, settings
from tests.store.places import me

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BUCKET = "state-of-rollout"
STORE = f"s3://{BUCKET}/team"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A small organization: what is tested here is where things are kept."""
    description = tmp_path_factory.mktemp("small") / "organization.json"
    describe(Size(accounts=3, users=8), description)
    with Sandbox.start(NOW, instance="bucket", description=description, ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def s3(sandbox: Sandbox) -> Any:
    """S3 of the embedded organization, with the team's bucket; nothing of ours is in between."""
    environment = sandbox.environment()
    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=BUCKET)
    return client


def machine(folder: Path, sandbox: Sandbox) -> Shell:
    """A folder with the team's rollout.yaml and nothing else."""
    folder.mkdir()
    text = settings(sandbox.organization_id, waves=2).replace("lead_time: 0d", "lead_time: 14d")
    more = f"store: {STORE}\nrules: {{max_exempt_percent: 20}}\n"
    (folder / "rollout.yaml").write_text(text + more)
    return Shell(folder, sandbox.environment())


def keys(s3: Any, prefix: str = "") -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"team/{prefix}")
    return [item["Key"].removeprefix("team/") for page in pages for item in page.get("Contents", [])]


@pytest.mark.slow  # nine commands, of which each but two talks to AWS and to the bucket
def test_a_team_plans_rehearses_tells_enforces_and_reports_by_a_bucket(
    sandbox: Sandbox, s3: Any, tmp_path: Path
):
    ana, bob = machine(tmp_path / "ana", sandbox), machine(tmp_path / "bob", sandbox)

    planned = ana("plan", "--json")
    assert planned.code == 0, planned.err
    [plan, index, evidence] = sorted(keys(s3, "plans/"), key=len)
    assert planned.json["file"] == f"s3://{BUCKET}/team/{plan}"
    assert (index, evidence) == tuple(
        plan.replace(".yaml", end) for end in (".index.jsonl", ".evidence.jsonl.gz")
    )
    for reference in (planned.json["plan"], planned.json["file"], plan):
        assert bob("show", reference).code == 0

    rehearsed = bob("apply", "--stage", "dry-run")
    assert rehearsed.code == 0, rehearsed.err
    stem = plan.removeprefix("plans/").removesuffix(".yaml")
    assert f"Report: {bob.folder}/reports/{stem}/index.html" in rehearsed.out
    assert f"The report is also at {STORE}/reports/{stem}/index.html" in rehearsed.err

    told = ana("apply", "--stage", "notify", "--yes")
    assert told.code == 0, told.err
    sandbox.advance(timedelta(days=15, minutes=1))
    enforced = bob("apply", "--stage", "enforce", "--yes")
    assert enforced.code == 0, enforced.err
    again = ana("apply", "--stage", "enforce", "--yes")
    assert again.code == 0
    assert "No write to AWS was needed" in again.out
    first, *_ = ana("status", "--json").json
    assert first["enforced"] == first["users"] > 0

    reported = ana("report", "--json").json
    assert reported["shared"][-1] == f"{STORE}/reports/{stem}/index.html"
    for place in reported["shared"]:
        shared = s3.get_object(Bucket=BUCKET, Key=place.removeprefix(f"s3://{BUCKET}/"))
        local = Path(reported["html"]).parent / place.rpartition("/")[2]
        assert shared["Body"].read() == local.read_bytes()

    assert {name.partition("/")[0] for name in keys(s3)} == {"plans", "journal", "reports", ".rollout"}
    for name in keys(s3):
        assert s3.head_object(Bucket=BUCKET, Key=f"team/{name}")["ServerSideEncryption"] == "AES256"
    for person in (ana, bob):
        there = {path.name for path in person.folder.iterdir()}
        assert there <= {"rollout.yaml", "outbox", "reports"}, "all the rest is in the bucket"


# Takes a second or more: a plan and a rehearsal by way of the bucket.
def test_the_second_of_two_operators_is_told_who_is_first(
    sandbox: Sandbox, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bob = machine(tmp_path / "bob", sandbox)
    assert bob("plan").code == 0
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    store = InBucket(Connection(), Place(BUCKET, "team"))
    carol = S3Lock(store._objects, **me(owner="carol", host="build-7"))

    with carol.hold(sandbox.organization_id, "apply --stage enforce"):
        refused = bob("apply", "--stage", "dry-run")
        assert carol.still_held()

    assert refused.code == 5
    assert "locked by carol on build-7" in refused.errors[0]
    assert "rollout unlock" in refused.errors[1]
    assert bob("apply", "--stage", "dry-run").code == 0


@pytest.mark.parametrize("command", ["plan", "show", "status", "report", "apply"])
def test_without_the_bucket_every_command_says_so_with_a_cure(sandbox: Sandbox, tmp_path: Path, command: str):
    ana = machine(tmp_path / "ana", sandbox)
    said = ana(command, env={"ROLLOUT_STORE": "s3://nowhere/x"})

    assert said.code == 1
    assert "NoSuchBucket" in said.errors[0]
    assert "aws s3 mb s3://nowhere" in said.errors[1]


def test_a_journal_that_the_bucket_does_not_give_stops_no_brake(
    sandbox: Sandbox, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ana = machine(tmp_path / "ana", sandbox)
    words = ("release", "--account", f"{2:012d}", "--reason", "drill", "--yes")
    assert ana(*words).code == 0

    def unless_of_the_journal(read: Callable[..., Any]) -> Callable[..., Any]:
        def denied(objects: S3Objects, name: str, *more: Any) -> Any:
            if name.startswith("journal/"):
                raise AwsFailure("AccessDenied, says the test")
            return read(objects, name, *more)

        return denied

    for method in ("read", "read_part"):
        monkeypatch.setattr(S3Objects, method, unless_of_the_journal(getattr(S3Objects, method)))
    said = ana(*words)

    assert said.code == 0, said.err
    assert "the journal cannot be read; releasing accounts does not need it: AccessDenied" in said.err
    assert "This release was not recorded: the journal cannot be added to: AccessDenied" in said.err
