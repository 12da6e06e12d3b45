"""A team's bucket that a key of AWS KMS seals: PutObject alone forges nothing, and KMS being down keeps nobody in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from rollout import __version__
from rollout.awsapi.operations import OPERATIONS
from rollout.domain.progress.records import RunEnded, RunEnding, RunStarted
from rollout.domain.progress.stages import Stage
from rollout.sandbox.serving.server import Sandbox
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.new_segment import NewSegment
from tests.cli.shell import Said, Shell, listening, writes
from tests.interventions import at_call, overhearing
from tests.kill.organization import Size, describe, settings
from tests.security_page import not_listed
from tests.snapshots import Snapshot

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BUCKET = "state-of-rollout"
KEY = "alias/rollout"
ALTERED, ERROR = 6, 1
MANAGEMENT = "111122223333"
RELEASE = ("release", "--all", "--reason", "INC-7", "--yes")
ENFORCE = ("apply", "--stage", "enforce", "--yes")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A small organization: what is tested here is where things are kept."""
    description = tmp_path_factory.mktemp("small") / "organization.json"
    describe(Size(accounts=1, users=7), description)
    with Sandbox.start(NOW, instance="sealed bucket", description=description, ticking=False) as running:
        yield running


def client(service: str, sandbox: Sandbox) -> Any:
    """Nothing of ours is in between."""
    environment = sandbox.environment()
    return boto3.client(  # type: ignore[call-overload]  # any service
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="module")
def s3(sandbox: Sandbox) -> Any:
    """The team's bucket, and the key."""
    kms = client("kms", sandbox)
    key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=KEY, TargetKeyId=key)
    kms.create_alias(AliasName="alias/encryption", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    s3 = client("s3", sandbox)
    s3.create_bucket(Bucket=BUCKET)
    return s3


@pytest.fixture(scope="module")
def untouched(sandbox: Sandbox) -> Snapshot:
    return Snapshot.of(sandbox)


@pytest.fixture
def ana(
    sandbox: Sandbox, s3: Any, untouched: Snapshot, tmp_path: Path, request: pytest.FixtureRequest
) -> Shell:
    """A folder with the team's rollout.yaml and nothing else; every test has a prefix of its own."""
    untouched.restore(sandbox)
    prefix = request.node.name.replace("[", "-").replace("]", "")[:60]
    text = settings(sandbox.organization_id, waves=1)
    more = f"store: s3://{BUCKET}/{prefix}\nstore_key: {KEY}\nrules: {{max_exempt_percent: 20}}\n"
    (tmp_path / "rollout.yaml").write_text(text + more)
    return Shell(tmp_path, sandbox.environment())


def prefix_of(shell: Shell) -> str:
    text = (shell.folder / "rollout.yaml").read_text()
    return text.partition(f"s3://{BUCKET}/")[2].partition("\n")[0]


def ok(said: Said) -> Said:
    assert 0 == said.code, said.err
    return said


def put_rehearsal(s3: Any, shell: Shell, run: str, plan_checksum: str, organization: str) -> str:
    """PutObject, and nothing else: a run that never was."""
    started = RunStarted(run, NOW, organization, "k3f9", plan_checksum, Stage.DRY_RUN, "ciso", "0.1")
    lines = [line_of(started), line_of(RunEnded(run, NOW, RunEnding.DONE))]
    key = f"{prefix_of(shell)}/journal/{run}/00000001.jsonl"
    s3.put_object(Bucket=BUCKET, Key=key, Body=NewSegment(run, list).spell(lines))
    return f"s3://{BUCKET}/{key.rpartition('/')[0]}/"


def test_each_command_asks_kms_once_and_every_line_is_sealed(ana: Shell, s3: Any, sandbox: Sandbox):
    """And every request can be told in CloudTrail as docs/security.md says."""
    asked, requests = [], []
    for words in (
        ("plan",),
        ("apply",),
        ("apply", "--stage", "notify", "--yes"),
        ENFORCE,
        ("status",),
        ("verify",),
    ):
        with overhearing(sandbox) as heard:
            ok(ana(*words))
        written = [sent["PATH_INFO"] for call, sent in heard if sent["REQUEST_METHOD"] == "PUT"]
        assert [] == not_listed(path for path in written if not path.endswith("/.writable"))
        asked.append(sum(call.service == "kms" for call, _ in heard))
        requests += [each for each in heard if each[0].service]  # without: `status` asks the sandbox's clock
    assert [1] * 6 == asked
    assert {"iam", "kms", "organizations", "s3", "signin", "sts"} == {call.service for call, _ in requests}
    assert [] == [call for call, sent in requests if f" rollout/{__version__}" not in sent["HTTP_USER_AGENT"]]
    allowed = {(known.service, known.name) for known in OPERATIONS}
    assert {(call.service, call.operation) for call, _ in requests if call.service != "s3"} <= allowed
    entering = [call.params for call, _ in requests if call.operation == "AssumeRole"]
    assert {("rollout", "3600")} == {(each["RoleSessionName"], each["DurationSeconds"]) for each in entering}
    assert all(each["Policy"] for each in entering)
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix_of(ana)}/journal/")["Contents"]
    for one in found:
        body = s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        assert all(b'"mac":"' in line for line in body.splitlines())


def test_put_object_alone_forges_no_rehearsal(ana: Shell, s3: Any, sandbox: Sandbox):
    ok(ana("plan"))
    [plan] = [
        one["Key"]
        for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix_of(ana)}/plans/")["Contents"]
        if one["Key"].endswith(".yaml")
    ]
    text = s3.get_object(Bucket=BUCKET, Key=plan)["Body"].read().decode()
    checksum = text.partition('checksum: "')[2].partition('"')[0]
    evil = put_rehearsal(s3, ana, "20261124T080000Z-evil", checksum, sandbox.organization_id)
    with listening() as heard:
        said = ana("apply", "--stage", "notify", "--yes")
    assert (ALTERED, []) == (
        said.code,
        [line for line in writes(heard) if not line.startswith(("s3", "kms"))],
    )
    assert f"{evil} is not sealed" in said.errors[0]


def test_a_segment_of_another_prefix_is_refused(ana: Shell, s3: Any, tmp_path: Path, sandbox: Sandbox):
    """The same key, the same organization, and a store for trying things out."""
    folder = tmp_path / "trial"
    folder.mkdir()
    text = (ana.folder / "rollout.yaml").read_text()
    (folder / "rollout.yaml").write_text(text.replace(prefix_of(ana), "trial"))
    trial = Shell(folder, sandbox.environment())
    ok(trial("plan"))
    ok(trial("apply"))
    for one in s3.list_objects_v2(Bucket=BUCKET, Prefix="trial/")["Contents"]:
        key = one["Key"].replace("trial", prefix_of(ana), 1)
        s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": one["Key"]})
    said = ana("apply")
    assert ALTERED == said.code
    assert "is sealed, but not with this store's key" in said.errors[0]
    said = ana("status")
    assert ALTERED == said.code
    assert "is sealed with another key" in said.err


# Takes a second or more: nine commands by way of the bucket.
def test_with_kms_down_enforcing_refuses_letting_out_works_and_the_rest_is_sealed_afterwards(
    ana: Shell, sandbox: Sandbox, s3: Any
):
    ok(ana("plan"))
    ok(ana("apply"))
    ok(ana("apply", "--stage", "notify", "--yes"))
    sandbox.advance(timedelta(days=1))
    ok(ana(*ENFORCE))
    with at_call(sandbox, "GenerateMac", times=1000, refuse="DisabledException") as calls:
        for words in (
            ("plan",),
            ENFORCE,
            ("verify", "--fix", "--yes"),
            ("release", "--all", "--end", "--yes"),
        ):
            with listening() as heard:
                said = ana(*words)
            assert (ERROR, []) == (said.code, [one for one in writes(heard) if one.startswith("iam")]), (
                said.err
            )
            assert f"the store's key {KEY} cannot be used: DisabledException" in said.errors[0]
            assert "enable the key" in said.errors[1]
        assert 4 == calls.counted
        shown = ok(ana("status"))
        assert "cannot be used: DisabledException" in shown.err
        let_out = ok(ana(*RELEASE))
        assert "1 write." in let_out.out
        assert "cannot be used: DisabledException" in let_out.err

    refused = ana(*ENFORCE)
    assert ALTERED == refused.code
    assert "is not sealed" in refused.errors[0]
    sealed = ok(ana("seal", "--yes"))
    assert "release" in sealed.out
    with listening() as heard:
        ok(ana(*ENFORCE))
    assert [] == [one for one in writes(heard) if one.startswith("iam")]
    ok(ana("release", "--all", "--end", "--yes"))
    assert 0 == ana("verify").code


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("alias/nothing", "set store_key to a key or an alias that exists"),
        ("alias/encryption", "GENERATE_VERIFY_MAC"),
    ],
)
def test_a_key_that_does_not_fit_is_refused_with_a_cure(ana: Shell, key: str, says: str):
    said = ana("plan", env={"ROLLOUT_STORE_KEY": key})
    assert ERROR == said.code
    assert f"the store's key {key} cannot be used: " in said.errors[0]
    assert says in said.errors[1]


def of_the_store(said: Said) -> dict[str, tuple[str, str]]:
    checks = [check for check in said.json["checks"] if check["section"] == "store"]
    return {check["name"]: (check["state"], check["text"]) for check in checks}


def test_the_doctor_looks_at_key_record_and_bucket(ana: Shell, s3: Any, sandbox: Sandbox):
    ok(ana("plan"))
    ok(ana("apply"))
    said = ok(ana("doctor", "--json"))
    found = of_the_store(said)
    assert ("ok", f"{KEY}, usable") == found["store key"]
    assert ("ok", "1 runs, whole, and sealed") == found["record"]
    assert ("ok", f"account {MANAGEMENT}") == found["bucket owner"]
    assert "warning" == found["versioning"][0] == found["Object Lock"][0] == found["public access"][0]

    evil = put_rehearsal(s3, ana, "20261124T080000Z-evil", "sha256:0", sandbox.organization_id)
    said = ana("doctor", "--json")
    assert (ALTERED, True) == (said.code, said.json["altered"])
    assert ("failure", f"{evil} is not sealed") == of_the_store(said)["record"]
    assert "is not sealed" in ana("doctor").out


def test_the_doctor_tells_what_does_not_fit(ana: Shell):
    found = of_the_store(ana("doctor", "--json", env={"ROLLOUT_STORE_KEY": "null"}))
    assert "warning" == found["store key"][0]
    said = ana("doctor", "--json", env={"ROLLOUT_STORE_KEY": "alias/nothing"})
    assert ERROR == said.code
    state, text = of_the_store(said)["store key"]
    assert ("failure", True) == (state, "the store's key alias/nothing cannot be used" in text)
    said = ana("doctor", "--json", env={"ROLLOUT_BUCKET__OWNER": "999988887777"})
    assert ERROR == said.code
    assert ("failure", True) == (
        of_the_store(said)["bucket owner"][0],
        "does not belong to account 999988887777" in of_the_store(said)["bucket owner"][1],
    )


def test_what_the_bucket_missed_is_sealed_when_it_is_recorded(ana: Shell, s3: Any):
    ok(
        ana(
            "release",
            "--account",
            MANAGEMENT,
            "--reason",
            "INC-7",
            "--yes",
            env={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"},
        )
    )
    said = ok(ana("inventory", "--out", "users.csv"))
    assert "Recorded 3 records of run" in said.err
    (name,) = [
        one["Key"]
        for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix_of(ana)}/journal/")["Contents"]
        if "-late/" in one["Key"]
    ]
    body = s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    assert all(b'"mac":"' in line for line in body.splitlines())
    assert "not trusted" not in ok(ana("release", "--account", MANAGEMENT, "--reason", "INC-8", "--yes")).err
