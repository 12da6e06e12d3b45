"""`evidence.cloudtrail: lookup` on the embedded organization: who uses the keys, by what CloudTrail shows of them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import ONE_ACCOUNT, Kept
from tests.cli.shell import Said, Shell, listening
from tests.interventions import at_call
from tests.sandbox.connecting import PAYMENTS, iam_of

LOOKUP = {"ROLLOUT_EVIDENCE": "{cloudtrail: lookup, regions: [eu-west-1], networks: [203.0.113.0/24]}"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pace of two lookups a second is shown in tests/aws/test_key_trail.py."""
    monkeypatch.setattr("rollout.aws.connect.trail_access.LOOKUPS_A_SECOND", 1000)


def planned(shell: Shell, account: str, **env: str) -> Said:
    said = shell("plan", "--account", account, env={"ROLLOUT_EXEMPTIONS": "[]", **env})
    assert 0 == said.code, said.err
    return said


def user(shell: Shell, name: str) -> dict[str, Any]:
    """What `show --json` says about one user."""
    [found] = shell("show", "--user", f"*/{name}", "--json").json["accounts"][0]["users"]
    return dict(found)


def test_the_calls_decide_who_is_a_person_and_the_forecast_says_what_would_be_denied(bare: Shell):
    planned(bare, PAYMENTS, **LOOKUP)
    person = user(bare, "reconciliation")
    assert ("enforce", "enrol") == (person["verdict"], person["impact"])
    assert "keys-of-a-person" in person["because"]
    assert re.search(
        r"key AKIA….{2}: 3 operations \(.+\) would have been denied on \d+ days since "
        r"2026-09-\d\d, last on 2026-11-24",
        person["forecast"],
    )
    machine = user(bare, "ci-deployer")
    assert ("hold", ["machine"]) == (machine["verdict"], machine["because"])
    assert "round the clock from 198.51.100.17 by Boto3 (EC2)" in machine["reasons"][0]["detail"]


def test_the_evidence_is_shown_with_its_dates_and_where_it_was_read(bare: Shell):
    planned(bare, ONE_ACCOUNT, **LOOKUP)
    [calls] = [
        door for door in user(bare, "ivan.horvat")["doors"] if door["name"].startswith("calls of key AKIA…")
    ]
    assert re.search(
        r"calls without MFA; 1 operation \(sts:AssumeRole\) would have been denied on \d+ days since 2026-\d\d-\d\d, "
        r"last on 2026-11-24; from 203.0.113.80 by aws-cli$",
        calls["found"],
    )
    assert "CloudTrail in eu-west-1, us-east-1, management events" == calls["source"]
    assert calls["at"].startswith("2026-11-24 09:00")
    assert "calls of key AKIA…" in bare("show", "--user", "*/ivan.horvat", "--evidence").out


def test_where_cloudtrail_may_not_be_asked_nothing_is_concluded_and_the_plan_says_so(
    bare: Shell, sandbox: Sandbox
):
    with at_call(sandbox, "LookupEvents", refuse="AccessDenied", times=99):
        said = " ".join(planned(bare, PAYMENTS, **LOOKUP).out.split())
    held = user(bare, "reconciliation")
    assert "hold" == held["verdict"]
    assert "calls of the access keys" in {door["name"] for door in held["not_looked_at"]}
    assert "key-evidence 333344445555 CloudTrail was not asked what the access keys of ci-deployer" in said
    assert "because of LookupEvents: AccessDeniedException in eu-west-1" in said


def test_cloudtrail_is_asked_once_a_day_whichever_command_it_is(bare: Shell):
    with listening() as heard:
        planned(bare, PAYMENTS, **LOOKUP)
        assert heard.count("cloudtrail LookupEvents 200") > 5
        heard.clear()
        assert 0 == bare("inventory", "--account", PAYMENTS, "--out", "users.csv", env=LOOKUP).code
    assert not [line for line in heard if "LookupEvents" in line]
    kept = list((bare.folder / ".rollout/key-evidence").rglob("*.json"))
    assert kept
    assert "AKIA" not in "".join(path.name for path in kept)


def test_a_plan_that_is_interrupted_while_cloudtrail_is_asked_is_not_written(bare: Shell, sandbox: Sandbox):
    def ctrl_c() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with at_call(sandbox, "LookupEvents", number=2, do=ctrl_c):
        assert 130 == bare("plan", "--account", PAYMENTS, env=LOOKUP).code
    assert not list(bare.folder.glob("plans/*.yaml"))


def test_a_file_tells_of_keys_that_cloudtrail_was_not_asked_about(bare: Shell, sandbox: Sandbox):
    iam = iam_of(sandbox, PAYMENTS)
    key_id = iam.list_access_keys(UserName="reconciliation")["AccessKeyMetadata"][0]["AccessKeyId"]
    days = ";".join(f"2026-11-{day}" for day in range(10, 24))
    rows = [
        "access_key_id,since,until,calls,last_call_without_mfa,agents,addresses,days,hours",
        f"{key_id},2026-08-26,2026-11-24,40,2026-11-23T16:00Z,aws-cli=40,203.0.113.24=40,{days},8=14;9=14;15=12",
        "AKIANOBODYHASTHISONE,2026-08-26,2026-11-24,0,,,,,",
    ]
    (bare.folder / "lake.csv").write_text("\n".join(rows) + "\n")
    env = {"ROLLOUT_EVIDENCE": "{import: lake.csv, networks: [203.0.113.0/24]}"}
    with listening() as heard:
        said = " ".join(planned(bare, PAYMENTS, **env).out.split())
    assert not [line for line in heard if "LookupEvents" in line]
    assert (
        "lake.csv tells of access keys that are not active keys of any user who was read: key AKIA…NE" in said
    )
    person = user(bare, "reconciliation")
    assert "keys-of-a-person" in person["because"]
    assert "lake.csv, line 2" in {door["source"] for door in person["doors"]}
    (bare.folder / "lake.csv").write_text("\n".join([*rows, "AKIA1,then,now,0,,,,,"]) + "\n")
    refused = bare("plan", "--account", PAYMENTS, env=env)
    assert 2 == refused.code
    assert 'lake.csv:4: since: "then" is not a time such as' in refused.errors[0]


def test_a_plan_is_refused_under_other_evidence_than_it_was_made_with(
    planned_account: Kept, sandbox: Sandbox, tmp_path: Path
):
    shell = planned_account.again(tmp_path, sandbox)
    assert 6 == shell("apply", env={"ROLLOUT_EVIDENCE__CLOUDTRAIL": "lookup"}).code
    assert 0 == shell("status", env={"ROLLOUT_EVIDENCE__MOVED_AFTER": "9d"}).code


def test_the_doctor_asks_whether_cloudtrail_may_be_asked(bare: Shell, sandbox: Sandbox):
    def read(**env: str) -> str:
        checks = bare("doctor", "--account", ONE_ACCOUNT, "--json", env=env).json["checks"]
        return next(str(check["text"]) for check in checks if check["name"] == "read")

    count = int(read().split()[0])
    assert read(**LOOKUP).startswith(f"{count + 1} of {count + 1} actions allowed")
    with at_call(sandbox, "LookupEvents", refuse="AccessDenied"):
        assert "denied: cloudtrail:LookupEvents" in read(**LOOKUP)
