"""A store is chosen by the setting alone, and a bucket does for a team what a folder does for one."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rollout.cli.startup import share_report
from rollout.domain.progress.records import Released
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.errors import AwsFailure, InsecureEndpoint, Unwritable
from rollout.reporting import ReportFiles
from rollout.settings import Settings, load_settings
from rollout.store.s3.bucket_store import InBucket
from rollout.store.s3.object_failures import Place
from rollout.wiring import Files, Live
from tests.builders import NOW, ORGANIZATION, a_header
from tests.store.bucket import Asked, BucketServer, Ignore, Refuse
from tests.store.memory import parted
from tests.store.reaching import BUCKET, OWNER, connection
from tests.store.test_contract import ACCOUNTS, EVIDENCE, INDEX, PLAN
from tests.store.test_journal import carried, start

PARTS = ("users.csv", "accounts.csv", "changes.csv", "exemptions.ics", "index.html")
RELEASE = Released("run-1", NOW, ReleaseScope(), None, "somebody is stuck", "ana")


def settings_in(folder: Path, text: str) -> Settings:
    (folder / "rollout.yaml").write_text(text)
    return load_settings(None, {}, folder)


def team(folder: Path, more: str = "") -> Files:
    return Files(settings_in(folder, f"store: s3://{BUCKET}/team\n{more}"), connection=connection())


def report_in(folder: Path) -> ReportFiles:
    folder.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        (folder / name).write_text(f"this is {name}")
    users, accounts, changes, calendar, page = (folder / name for name in PARTS)
    return ReportFiles(page, users, accounts, changes, calendar)


# --- The choice ---


def test_a_folder_is_the_store_where_none_is_named(tmp_path: Path):
    files = Files(settings_in(tmp_path, ""))
    stored = files.plans.save(*parted(a_header(*ACCOUNTS), ACCOUNTS))

    assert stored.location == str(tmp_path / PLAN)
    assert files.report_folder(stored) == tmp_path / "reports/2026-11-24-k3f9"
    assert files.share_report(stored, report_in(tmp_path / "reports/x")) == ()


def test_everything_is_in_the_bucket_where_one_is_named(bucket: BucketServer, tmp_path: Path):
    files = team(tmp_path)
    stored = files.plans.save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    files.journal("run-1").append(start(), carried())
    files.marker(ORGANIZATION).add(RELEASE)
    with files.lock().hold(ORGANIZATION, "apply"):
        held = bucket.keys("team/locks/")

    assert stored.location == f"s3://{BUCKET}/team/{PLAN}"
    assert held == [f"team/locks/{ORGANIZATION}.json"]
    assert bucket.keys() == [
        f"team/.rollout/releases/{ORGANIZATION}/run-1.let-out.json",
        "team/journal/run-1/00000001.jsonl",
        f"team/{EVIDENCE}",
        f"team/{INDEX}",
        f"team/{PLAN}",
    ]
    assert list(files.marker(ORGANIZATION).records()) == [RELEASE]
    assert [path.name for path in tmp_path.iterdir()] == ["rollout.yaml"]


def test_a_lock_in_a_bucket_names_this_process(bucket: BucketServer, tmp_path: Path):
    lock = team(tmp_path).lock()
    with lock.hold(ORGANIZATION, "apply"):
        holder = lock.holder(ORGANIZATION)

    assert holder
    assert (holder.owner, holder.host, holder.pid) == (getpass.getuser(), socket.gethostname(), os.getpid())


def test_key_and_owner_reach_every_call(bucket: BucketServer, tmp_path: Path):
    team(tmp_path, f"bucket: {{kms_key: alias/rollout, owner: '{OWNER}'}}\n").journal("run-1").append(start())

    look, put = bucket.asked
    assert put.headers["X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"] == "alias/rollout"
    assert look.headers["X-Amz-Expected-Bucket-Owner"] == put.headers["X-Amz-Expected-Bucket-Owner"] == OWNER


def test_a_command_fetches_each_part_of_the_journal_once(bucket: BucketServer, tmp_path: Path):
    team(tmp_path).journal("run-1").append(start())
    files = team(tmp_path)
    bucket.asked.clear()
    for run in ("run-2", "report"):
        assert list(files.journal(run).records()) == [start()]

    assert len([asked for asked in bucket.asked if asked.name.endswith("00000001.jsonl")]) == 1


def test_a_run_asks_the_bucket_through_its_own_session(bucket: BucketServer, tmp_path: Path):
    """A second Session would ask for a second token code."""
    live = Live(settings_in(tmp_path, f"store: s3://{BUCKET}/team\n"))
    live.files.journal("run-1").append(start())

    assert set(live.connection.endpoints) == {"s3", "sts"}


def test_the_bucket_has_to_be_the_callers_own_unless_an_owner_is_named(bucket: BucketServer, tmp_path: Path):
    """Whoever takes over a bucket name that we have given up is not read, and is not written to."""
    list(team(tmp_path).journal("reader").records())
    assert {OWNER} == {asked.headers["X-Amz-Expected-Bucket-Owner"] for asked in _of_s3(bucket)}
    with pytest.raises(AwsFailure, match="AccessDenied") as refused:
        list(team(tmp_path, 'bucket: {owner: "999988887777"}').journal("reader").records())
    assert "check too that the bucket belongs to account 999988887777" in refused.value.cure


def _of_s3(bucket: BucketServer) -> list[Asked]:
    return [asked for asked in bucket.asked if BUCKET in asked.path]


def test_a_command_without_a_run_takes_the_profile(
    bucket: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    config = tmp_path / "config"
    config.write_text("[profile audit]\naws_access_key_id = AKIAAUDIT\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    settings = settings_in(tmp_path, f"store: s3://{BUCKET}/team\n")

    assert list(Files(settings, "audit").journal("reader").records()) == []
    assert "Credential=AKIAAUDIT/" in bucket.asked[-1].headers["Authorization"]


def test_plain_http_to_another_machine_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://storage.example.com")

    with pytest.raises(InsecureEndpoint):
        _ = team(tmp_path).plans


WITHOUT_BOTO3 = """
import sys
from pathlib import Path
from rollout.settings import load_settings
from rollout.wiring import Files
files = Files(load_settings(None, {}, Path(sys.argv[1])))
files.plans, files.journal("x"), files.lock(), files.marker("o-1"), files.check_plans_writable()
print(sorted(name for name in ("boto3", "botocore") if name in sys.modules))
"""


def test_a_folder_needs_no_boto3(tmp_path: Path):
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_BOTO3, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


# --- Writable, shared ---


def test_a_look_whether_one_may_write_leaves_no_trace(bucket: BucketServer, tmp_path: Path):
    files = team(tmp_path)
    files.check_plans_writable()
    files.check_writable(Stage.ENFORCE, files.plans.save(*parted(a_header(*ACCOUNTS), ACCOUNTS)))

    assert bucket.keys() == [f"team/{EVIDENCE}", f"team/{INDEX}", f"team/{PLAN}"]


def test_who_may_not_write_learns_it_before_the_work(bucket: BucketServer, tmp_path: Path):
    bucket.weather = lambda asked: Refuse("AccessDenied", 403) if asked.method == "PUT" else None

    with pytest.raises(Unwritable, match=rf"s3://{BUCKET}/team/plans/.*AccessDenied") as refused:
        team(tmp_path).check_plans_writable()
    assert "s3:PutObject" in refused.value.cure


def test_a_service_that_ignores_conditions_keeps_no_trace_either(bucket: BucketServer):
    bucket.weather = lambda asked: Ignore("If-Match") if asked.method == "PUT" else None
    InBucket(connection(), Place(BUCKET, "team")).check_writable("plans")

    assert bucket.keys() == []


def test_a_report_is_shared_the_page_last(bucket: BucketServer, tmp_path: Path):
    files = team(tmp_path)
    stored = files.plans.save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    folder = files.report_folder(stored)
    shared = files.share_report(stored, report_in(folder))

    assert folder == tmp_path / "reports/2026-11-24-k3f9"
    assert shared == tuple(f"s3://{BUCKET}/team/reports/2026-11-24-k3f9/{name}" for name in PARTS)
    assert bucket.writes()[-len(PARTS) :] == [f"reports/2026-11-24-k3f9/{name}" for name in PARTS]
    for name in PARTS:
        assert bucket.content(f"team/reports/2026-11-24-k3f9/{name}") == (folder / name).read_bytes()


def test_who_may_only_read_keeps_the_report_here(
    bucket: BucketServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    files = team(tmp_path)
    stored = files.plans.save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    bucket.weather = lambda asked: Refuse("AccessDenied", 403) if asked.method == "PUT" else None

    assert share_report(files, stored, report_in(files.report_folder(stored))) == ()
    assert "the report is on this machine only" in capsys.readouterr().err


def test_without_a_file_reports_are_opened_in_the_working_folder(
    bucket: BucketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    files = Files(load_settings(None, {"ROLLOUT_STORE": f"s3://{BUCKET}"}, tmp_path), connection=connection())

    assert files.report_folder(files.plans.save(*parted(a_header(), []))).is_relative_to(tmp_path / "reports")


def test_a_bucket_that_may_not_be_listed_is_told(bucket: BucketServer, tmp_path: Path):
    bucket.weather = lambda asked: Refuse("AccessDenied", 403) if BUCKET in asked.path else None

    with pytest.raises(AwsFailure, match="AccessDenied") as refused:
        team(tmp_path).plans.load(None)
    assert f"s3:ListBucket on {BUCKET}" in refused.value.cure
