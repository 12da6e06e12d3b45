"""All commands give the same answer to where a user stands: queued is not told, and out by hand is not enforced."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import with_settings
from tests.cli.shell import Said, Shell
from tests.end_to_end.iam_state import Onlooker

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DRIFT, IN_PART = 3, 4
QUEUED = {"ROLLOUT_NOTIFY__OUTBOX_COUNTS": "false"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="one answer", ticking=False) as running:
        yield running


@pytest.fixture
def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    return with_settings(tmp_path, sandbox)


def rows(said: Said) -> list[dict[str, str]]:
    with Path(said.json["users"]).open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["wave"] == "canary"]


@pytest.mark.slow  # eight commands on thirteen accounts
def test_queued_is_not_told_and_taken_out_by_hand_is_not_enforced(sandbox: Sandbox, shell: Shell):
    aws = Onlooker(sandbox.environment())
    assert IN_PART == shell("plan").code
    assert 0 == shell("apply", "--stage", "dry-run").code
    assert 0 == shell("apply", "--stage", "notify", "--yes", env=QUEUED).code
    sandbox.advance(timedelta(days=15))
    assert shell("apply", "--stage", "enforce", "--yes", env=QUEUED).code in (0, IN_PART)
    enforced = [row for row in rows(shell("report", "--json")) if row["enforced"] == "true"]
    assert enforced

    by_hand = enforced[0]
    account_id, name = by_hand["account_id"], by_hand["user_name"]
    aws.iam(account_id).remove_user_from_group(GroupName="ForceMFA", UserName=name)
    looked = shell("verify", "--json").json["users"]

    users, (canary, *_) = rows(shell("report", "--json")), shell("status", "--json").json
    queued = sum(row["delivery"] == "queued" for row in users)
    assert queued
    assert (queued, 0) == (canary["queued"], canary["told"])
    left = len(enforced) - 1
    assert left == looked["enforced"] == canary["enforced"] == sum(row["enforced"] == "true" for row in users)
    assert ["released"] == [row["state"] for row in users if row["user_id"] == by_hand["user_id"]]
    assert 1 == canary["released"]
    deliveries = {one["user_arn"]: one["delivery"] for one in shell("notices", "--json").json}
    assert queued == list(deliveries.values()).count("queued")
