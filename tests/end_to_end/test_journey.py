"""Plan, rehearse, tell, wait, enforce, report: as an operator types it, against an endpoint that is just an endpoint.

No ROLLOUT_CONFIG, and a rollout.yaml written by hand that does not even name the organization. What came of it is read
by plain boto3, with nothing of ours in between.
"""

from __future__ import annotations

import copy
import csv
import json
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import rollout.domain.policy
from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Said, Shell, listening, writes
from tests.end_to_end.iam_state import Onlooker

pytestmark = pytest.mark.slow  # eleven runs over thirteen accounts, once

SETTINGS = """\
waves:
  - {name: pilot, accounts: ["666677778888"]}
  - {name: development, ous: [Workloads/Dev, Sandbox]}
  - {name: everybody}
rules:
  break_glass: ["arn:aws:iam::111122223333:user/break-glass-1", "arn:aws:iam::111122223333:user/break-glass-2"]
exemptions:
  - {user: "arn:aws:iam::012345678901:user/backup", owner: storage@example.com, reason: not yet, expires: 2027-03-24}
notify: {outbox_counts: true}
"""
WAVES = ("pilot", "development", "everybody")
SEED = Path(rollout.domain.policy.__file__).parent / "force-mfa-policy.json"
COLUMNS = {
    "account_id",
    "account_name",
    "ou_path",
    "user_name",
    "user_id",
    "user_arn",
    "verdict",
    "reasons",
    "impact",
    "wave",
    "console_access",
    "mfa_active",
    "mfa_kinds",
    "active_keys",
    "key_last_used",
    "password_last_used",
    "enforced",
    "enforced_by",
    "exempt_until",
    "notified_at",
    "observed_at",
}
# Somebody who turns into a machine while the wave waits, and somebody who is replaced by another of the same name.
CHANGED, REPLACED = ("222233334444", "ava.lindqvist"), ("222233334444", "ben.okafor")


@dataclass
class Journey:
    """Where it happens, and what each step said."""

    sandbox: Sandbox
    shell: Shell
    aws: Onlooker
    said: dict[str, Said]
    asked: dict[str, list[str]]

    def step(self, name: str, *words: str, code: int = 0) -> None:
        with listening() as heard:
            said = self.shell(*words)
        assert code == said.code, f"{name}: {said.out}\n{said.err}"
        self.said[name], self.asked[name] = said, [line.split()[1] for line in writes(heard)]

    def days_pass(self, days: int) -> None:
        self.sandbox.advance(timedelta(days=days, minutes=1))


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """The whole way, once; the tests look at its steps."""
    with Sandbox.start(
        datetime(2026, 11, 24, 9, 0, tzinfo=UTC), instance="journey", ticking=False
    ) as sandbox:
        shell = Shell(tmp_path_factory.mktemp("journey"), sandbox.environment())
        (shell.folder / "rollout.yaml").write_text(SETTINGS)
        way = Journey(sandbox, shell, Onlooker(sandbox.environment()), {}, {})
        before = way.aws.snapshot()
        way.step("plan", "plan", code=4)
        way.step("rehearsal", "apply", "--stage", "dry-run")
        assert before == way.aws.snapshot(), "a rehearsal has changed something"
        for wave in WAVES:
            way.step(f"tell {wave}", "apply", "--stage", "notify", "--yes")
        way.step("tell again", "apply", "--stage", "notify", "--yes")
        way.step("too early", "apply", "--stage", "enforce", "--yes")
        way.days_pass(15)
        change(way.aws)
        for wave in WAVES:
            way.step(f"enforce {wave}", "apply", "--stage", "enforce", "--yes")
            way.days_pass(3)
        way.step("enforce again", "apply", "--stage", "enforce", "--yes")
        way.step("show", "show", "--json")
        way.step("status", "status", "--json")
        way.step("report", "report", "--json")
        yield way


def change(aws: Onlooker) -> None:
    account, name = CHANGED
    iam = aws.iam(account)
    iam.delete_login_profile(UserName=name)
    for device in iam.list_mfa_devices(UserName=name)["MFADevices"]:
        iam.deactivate_mfa_device(UserName=name, SerialNumber=device["SerialNumber"])
    iam.create_access_key(UserName=name)
    account, name = REPLACED
    iam = aws.iam(account)
    iam.delete_login_profile(UserName=name)
    for device in iam.list_mfa_devices(UserName=name)["MFADevices"]:
        iam.deactivate_mfa_device(UserName=name, SerialNumber=device["SerialNumber"])
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        iam.remove_user_from_group(UserName=name, GroupName=group["GroupName"])
    for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_user(UserName=name)
    iam.create_user(UserName=name)


def users(journey: Journey) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for account in journey.said["show"].json["accounts"]:
        for user in account["users"]:
            yield account["account"], user["arn"].rpartition("/")[2], user


def under_the_policy(journey: Journey) -> set[tuple[str, str]]:
    """Who belongs to the group that carries ForceMFA, or has it attached."""
    found = set()
    for account, details in journey.aws.details().items():
        policy = f"arn:aws:iam::{account}:policy/rollout/ForceMFA"
        groups = {
            group["GroupName"]
            for group in details["GroupDetailList"]
            if policy in {one["PolicyArn"] for one in group["AttachedManagedPolicies"]}
        }
        for user in details["UserDetailList"]:
            attached = {one["PolicyArn"] for one in user["AttachedManagedPolicies"]}
            if policy in attached or groups & set(user["GroupList"]):
                found.add((account, user["UserName"]))
    return found


def rows(journey: Journey, table: str) -> list[dict[str, str]]:
    with Path(journey.said["report"].json[table]).open(newline="") as file:
        return list(csv.DictReader(file))


# --- Plan and rehearsal ---


def test_nothing_needs_to_be_told_but_the_endpoint_and_the_credentials(journey: Journey):
    said = journey.said["plan"]
    assert "Note: rollout.yaml names no organization; using " in said.err
    assert journey.sandbox.organization_id in said.err
    assert [] == journey.asked["plan"]


def test_the_rehearsal_wrote_nothing_and_says_what_would_come(journey: Journey):
    assert [] == journey.asked["rehearsal"]
    said = journey.said["rehearsal"].out
    assert "would be enforced" in said
    assert re.search(r"Recorded but not carried out: \d+ messages, \d+ writes to AWS\.", said)


# --- Notices ---


def test_each_person_gets_one_mail_a_run_and_each_user_is_told_once(journey: Journey):
    told = [user for user in rows(journey, "users") if user["notified_at"]]
    affected = [
        user for _, _, user in users(journey) if user["verdict"] == "enforce" and user["impact"] != "none"
    ]
    assert len(affected) == len(told)
    for wave in WAVES:
        mails = int(re.search(r"(\d+) messages?", journey.said[f"tell {wave}"].out).group(1))  # type: ignore[union-attr]  # no match fails the test
        assert mails > 0
    assert "told before" in journey.said["tell again"].out
    assert [] == journey.asked["tell again"]


def test_notices_write_to_aws_only_what_lets_people_enrol(journey: Journey):
    written = {call for wave in WAVES for call in journey.asked[f"tell {wave}"]}
    assert written <= {
        "CreatePolicy",
        "CreateGroup",
        "AttachGroupPolicy",
        "AttachUserPolicy",
        "AddUserToGroup",
    }
    assert written


def test_enforcing_too_early_moves_only_whom_it_changes_nothing_for(journey: Journey):
    out = journey.said["too early"].out
    assert "waiting for their date" in out
    assert "told for 2026-12-08 12:00 UTC" in out


# --- Enforcement ---


def test_exactly_those_to_be_enforced_are(journey: Journey):
    expected = {(account, name) for account, name, user in users(journey) if user["verdict"] == "enforce"}
    assert {CHANGED, REPLACED} <= expected
    assert expected - {CHANGED, REPLACED} == under_the_policy(journey)


def test_nobody_held_exempt_or_covered_is(journey: Journey):
    left_alone = {(account, name) for account, name, user in users(journey) if user["verdict"] != "enforce"}
    assert not left_alone & under_the_policy(journey)
    assert {"hold", "exempt", "covered", "enforce"} == {user["verdict"] for _, _, user in users(journey)}


def test_the_document_is_the_seed_but_for_the_named_amendments(journey: Journey):
    expected = copy.deepcopy(json.loads(SEED.read_text()))
    for statement in expected["Statement"]:
        if "user/${aws:username}" in statement.get("Resource", ""):
            statement["Resource"] = [
                "arn:aws:iam::*:user/${aws:username}",
                "arn:aws:iam::*:user/*/${aws:username}",
            ]
        if statement["Sid"] in {"AllowManageOwnUserMFA", "DenyAllExceptListedIfNoMFA"}:
            actions = statement["Action" if statement["Effect"] == "Allow" else "NotAction"]
            actions.append("iam:GetMFADevice")
    for account in {account for account, _ in under_the_policy(journey)}:
        iam = journey.aws.iam(account)
        policy = iam.get_policy(PolicyArn=f"arn:aws:iam::{account}:policy/rollout/ForceMFA")["Policy"]
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        assert in_order(expected) == in_order(version["PolicyVersion"]["Document"])


def in_order(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, its lists of actions sorted: their order says nothing."""
    return {
        **document,
        "Statement": [
            {key: sorted(value) if isinstance(value, list) else value for key, value in statement.items()}
            for statement in document["Statement"]
        ],
    }


def test_whoever_changed_meanwhile_is_left_alone_and_named(journey: Journey):
    said = journey.said["enforce everybody"].out
    for account, name in (CHANGED, REPLACED):
        assert f"{account}/{name}" in said
    assert "changed since the plan: skipped" in said
    assert "was enforce (has-mfa), is hold: machine" in said
    assert "the name belongs to another user now" in said


def test_a_second_run_writes_nothing_and_says_so(journey: Journey):
    assert [] == journey.asked["enforce again"]
    out = journey.said["enforce again"].out
    assert "No write to AWS was needed." in out
    assert "every wave has reached stage enforce" in out
    assert {"done"} == {wave["next_step"] for wave in journey.said["status"].json}


# --- Report and files ---


def test_the_report_names_every_account_that_is_not_in_the_plan_with_its_reason(journey: Journey):
    reasons = {row["account_id"]: " ".join(row.values()) for row in rows(journey, "accounts")}
    assert 13 == len(reasons)
    assert "SUSPENDED" in reasons["100020003000"]
    assert "CLOSED" in reasons["999900001111"]
    assert "AccessDenied for roles OrganizationAccountAccessRole" in reasons["200030004000"]


def test_the_report_has_the_columns_that_are_promised(journey: Journey):
    listed = rows(journey, "users")
    assert set(listed[0]) >= COLUMNS
    # By their ARNs: a name that a spreadsheet would run as a formula stands there defused.
    enforced = {
        (row["account_id"], row["user_arn"].rpartition("/")[2]) for row in listed if row["enforced"] == "true"
    }
    assert under_the_policy(journey) <= enforced


def test_the_page_needs_nothing_from_anywhere(journey: Journey):
    page = Path(journey.said["report"].json["html"]).read_text()
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)


def test_files_are_for_their_owner_only(journey: Journey):
    for folder in ("plans", "journal", "outbox", "reports", ".rollout"):
        for path in [journey.shell.folder / folder, *(journey.shell.folder / folder).rglob("*")]:
            assert (0o700 if path.is_dir() else 0o600) == stat.S_IMODE(path.stat().st_mode), path


def test_without_the_journal_another_store_does_not_take_over(journey: Journey, tmp_path: Path):
    shutil.copytree(journey.shell.folder / "plans", tmp_path / "plans")
    shutil.copy(journey.shell.folder / "rollout.yaml", tmp_path)
    said = Shell(tmp_path, journey.shell.environment)("apply")
    assert 4 == said.code, said.err
    assert "was made by plan " in said.out
    assert "from another store" in said.out
    assert "with the store: in" in said.out
