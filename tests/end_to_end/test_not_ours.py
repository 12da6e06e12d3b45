"""What this tool did not make, it never uses, whoever put it there under our names (design.md#policy-documents)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import (
    AddMember,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
)
from rollout.domain.progress.records import Before, Intent, Record, RunStarted, Settled
from rollout.domain.progress.stages import Stage
from rollout.sandbox.serving.server import Sandbox
from rollout.store.formats.journal_lines import line_of
from tests.cli.conftest import Kept
from tests.cli.shell import Said, Shell, listening, writes
from tests.end_to_end.iam_state import Onlooker
from tests.end_to_end.small_organization import ANYTHING, MANAGEMENT, MEMBER, PEOPLE, describe, with_settings
from tests.interventions import at_call

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DRIFT, IN_PART = 3, 4
OURS = f"arn:aws:iam::{MEMBER}:policy/rollout/ForceMFA"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    place = describe(tmp_path_factory.mktemp("organization") / "organization.yaml")
    with Sandbox.start(NOW, instance="not ours", description=place, ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def untouched(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept.of(with_settings(tmp_path_factory.mktemp("untouched"), sandbox), sandbox)


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, untouched: Kept, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Planned, rehearsed and told."""
    shell = untouched.again(tmp_path_factory.mktemp("told"), sandbox)
    carry(shell, "notify")
    return Kept.of(shell, sandbox)


@pytest.fixture
def shell(told: Kept, sandbox: Sandbox, tmp_path: Path) -> Shell:
    return told.again(tmp_path / "here", sandbox)


@pytest.fixture
def aws(shell: Shell) -> Onlooker:
    """Made when the organization has been put back: its sessions are of this test."""
    return Onlooker(shell.environment)


def carry(shell: Shell, *stages: str) -> None:
    """Plan, rehearse, and carry these stages."""
    well(shell("plan"))
    well(shell("apply"))
    for stage in stages:
        well(shell("apply", "--stage", stage, "--yes"))


def well(said: Said, code: int = 0) -> Said:
    assert code == said.code, f"{said.out}\n{said.err}"
    return said


def full_document(shell: Shell) -> str:
    return well(shell("policy")).out


def make_policy(iam: Any, document: str, path: str = "/dev/", **tags: str) -> str:
    """What a principal of the member account makes who may only create policies."""
    given = [{"Key": key.replace("_", ":"), "Value": value} for key, value in tags.items()]
    made = iam.create_policy(PolicyName="ForceMFA", Path=path, PolicyDocument=document, Tags=given)
    return str(made["Policy"]["Arn"])


def attached_anywhere(iam: Any, arn: str) -> list[str]:
    """Name the users and groups on which a policy hangs."""
    found = iam.list_entities_for_policy(PolicyArn=arn)
    users = [one["UserName"] for one in found["PolicyUsers"]]
    return users + [one["GroupName"] for one in found["PolicyGroups"]]


def verdicts(shell: Shell, account_id: str = MEMBER) -> dict[str, list[str]]:
    """The reasons that the newest plan gives, by user."""
    said = well(shell("show", "--json", "--account", account_id)).json
    (account,) = said["accounts"]
    return {user["arn"].rpartition("/")[2]: [user["verdict"], *user["because"]] for user in account["users"]}


# --- No adoption ---


def test_a_policy_that_a_member_account_made_is_never_attached_whoever_owns_it(
    sandbox: Sandbox, shell: Shell, aws: Onlooker
):
    """Its owner could let it allow everything later, and whoever is in our group would be an administrator."""
    iam = aws.iam(MEMBER)
    theirs = make_policy(iam, full_document(shell))
    well(shell("apply", "--stage", "enforce", "--yes"))
    assert [] == attached_anywhere(iam, theirs)
    iam.create_policy_version(PolicyArn=theirs, PolicyDocument=json.dumps(ANYTHING), SetAsDefault=True)
    for name in PEOPLE:
        assert [] == iam.list_groups_for_user(UserName=name)["Groups"]
        assert [] == iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    sandbox.advance(timedelta(minutes=1))
    well(shell("plan"))
    assert {name: ["hold", "name-clash"] for name in PEOPLE} == verdicts(shell)


@pytest.mark.parametrize("path", ["/dev/", "/rollout/"])
def test_a_policy_made_between_our_look_and_our_write_is_not_ours_in_the_next_run_either(
    sandbox: Sandbox, shell: Shell, aws: Onlooker, path: str
):
    """At our very path, with our very document and our tags: only the journal can tell that it is not ours."""
    iam, document = aws.iam(MEMBER), full_document(shell)
    with at_call(
        sandbox,
        "CreatePolicy",
        when=lambda call: call.account == MEMBER and call.params.get("Path") == "/rollout/",
        do=lambda: make_policy(iam, document, path, rollout_tool="rollout", rollout_plan="k3f9"),
    ):
        shell("apply", "--stage", "enforce", "--yes")
    for _ in range(2):
        shell("apply", "--stage", "enforce", "--yes")
        shell("verify", "--fix", "--yes")
    assert [] == attached_anywhere(iam, f"arn:aws:iam::{MEMBER}:policy{path}ForceMFA")
    assert all(iam.list_groups_for_user(UserName=name)["Groups"] == [] for name in PEOPLE)


# --- What an earlier version adopted ---


def adopt(shell: Shell, sandbox: Sandbox, iam: Any) -> str:
    """Leave behind what an earlier version did: everybody under somebody else's policy, and a journal that says so."""
    theirs = make_policy(iam, full_document(shell))
    iam.create_group(GroupName="ForceMFA", Path="/rollout/")
    iam.attach_group_policy(GroupName="ForceMFA", PolicyArn=theirs)
    changes: list[Change] = [
        CreateGroup(MEMBER, "ForceMFA", "/rollout/"),
        AttachToGroup(MEMBER, "ForceMFA", theirs),
    ]
    for name in PEOPLE:
        iam.add_user_to_group(GroupName="ForceMFA", UserName=name)
        found = iam.get_user(UserName=name)["User"]
        changes.append(AddMember(MEMBER, "ForceMFA", UserRef(MEMBER, name, found["UserId"], found["Arn"])))
    journal(shell, sandbox, *changes)
    return theirs


def journal(shell: Shell, sandbox: Sandbox, *changes: Change) -> None:
    """Write a segment as an earlier version did: without checksums."""
    at = NOW - timedelta(days=9)
    started = RunStarted(
        "run-old", at, sandbox.organization_id, "k3f9", "", Stage.ENFORCE, "arn:aws:iam::1:user/x", "0.1.0"
    )
    records: list[Record] = [started]
    for number, change in enumerate(changes):
        records.append(Intent("run-old", at, number, change, Before.ABSENT, "everybody"))
        records.append(Settled("run-old", at, "run-old", number, Applied(f"request-{number}")))
    place = shell.folder / "journal" / "run-old.jsonl"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"".join(line_of(record) for record in records).replace(b',"made":""', b""))


def test_what_an_earlier_version_adopted_is_named_and_replaced_by_one_command(
    sandbox: Sandbox, shell: Shell, aws: Onlooker
):
    iam = aws.iam(MEMBER)
    theirs = adopt(shell, sandbox, iam)
    people = {f"arn:aws:iam::{MEMBER}:user/{name}" for name in PEOPLE}
    found = well(shell("verify", "--json"), DRIFT).json["drift"]
    assert ("adopted-policy", theirs, "rollout verify --fix") == (
        found[0]["kind"],
        found[0]["who"],
        found[0]["cure"],
    )
    denied: list[set[str]] = []
    with listening() as heard, at_call(sandbox, "DetachGroupPolicy", do=lambda: denied.append(aws.denied())):
        well(shell("verify", "--fix", "--yes"))
    assert [
        "CreatePolicy",
        "CreatePolicyVersion",
        "AttachGroupPolicy",
        "DetachGroupPolicy",
    ] == [line.split()[1] for line in writes(heard)]
    assert [people] == denied
    assert people == aws.denied()
    assert [] == attached_anywhere(iam, theirs)
    well(shell("verify"))

    # Whatever its owner makes of it now, it concerns nobody. Ours is let go of, and undone, as ever.
    iam.create_policy_version(PolicyArn=theirs, PolicyDocument=json.dumps(ANYTHING), SetAsDefault=True)
    assert people == aws.denied()
    well(shell("release", "--all", "--reason", "drill", "--yes"))
    assert set() == aws.denied()
    well(shell("release", "--all", "--end", "--yes"))
    assert people == aws.denied()
    well(shell("rollback", "--all", "--yes"))
    assert set() == aws.denied()
    assert [theirs] == [one["Arn"] for one in iam.list_policies(Scope="Local")["Policies"]]
    assert [] == iam.list_groups()["Groups"]


def test_what_was_adopted_is_let_go_of_at_once(sandbox: Sandbox, shell: Shell, aws: Onlooker):
    iam = aws.iam(MEMBER)
    theirs = adopt(shell, sandbox, iam)
    with listening() as heard:
        well(shell("release", "--all", "--reason", "drill", "--yes"))
    assert ["DetachGroupPolicy"] == [line.split()[1] for line in writes(heard)]
    assert set() == aws.denied()
    assert theirs == iam.get_policy(PolicyArn=theirs)["Policy"]["Arn"]


# --- What a forged journal names ---


@pytest.mark.parametrize("account_id", [MANAGEMENT, MEMBER])
@pytest.mark.parametrize("path", ["/", "/rollout/team/"])
def test_a_rollback_by_a_forged_journal_leaves_what_is_not_ours(
    sandbox: Sandbox, shell: Shell, aws: Onlooker, account_id: str, path: str
):
    """In the caller's own account there is no session policy, and IAM's requests name a group without its path."""
    iam, name = aws.iam(account_id), "mia" if account_id == MANAGEMENT else "ana"
    iam.create_group(GroupName="ForceMFA", Path=path)
    iam.create_group(GroupName="admins")
    for group in ("ForceMFA", "admins"):
        iam.add_user_to_group(GroupName=group, UserName=name)
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_user_policy(UserName=name, PolicyArn=admin)
    iam.attach_group_policy(GroupName="admins", PolicyArn=admin)
    theirs = iam.create_policy(PolicyName="Theirs", Path=path, PolicyDocument=json.dumps(ANYTHING))
    before, found = aws.snapshot(), iam.get_user(UserName=name)["User"]
    user = UserRef(account_id, name, found["UserId"], found["Arn"])
    arn = theirs["Policy"]["Arn"]
    journal(
        shell,
        sandbox,
        CreatePolicy(account_id, arn, "Theirs", path, ANYTHING, {}),
        CreateGroup(account_id, "ForceMFA", path),
        CreateGroup(account_id, "admins", "/"),
        AttachToGroup(account_id, "admins", admin),
        AddMember(account_id, "ForceMFA", user),
        AddMember(account_id, "admins", user),
        AttachToUser(account_id, user, admin),
    )
    with listening() as heard:
        said = shell("rollback", "--all", "--yes", "--json")
    assert [] == writes(heard), said.err
    assert before == aws.snapshot()
    left = [one["why"] for account in said.json["accounts"] for one in account["left"]]
    assert 4 <= sum("not made: " in why for why in left)


# --- Another folder, and a journal that was lost ---


def test_another_folder_is_told_whose_policy_it_is_and_how_to_go_on(
    sandbox: Sandbox, shell: Shell, aws: Onlooker, tmp_path: Path
):
    well(shell("apply", "--stage", "enforce", "--yes"))
    people = aws.denied()
    plan_id = well(shell("show", "--json")).json["plan"]
    elsewhere = with_settings(tmp_path / "elsewhere", sandbox)
    well(elsewhere("plan"))
    assert {name: ["hold", "other-store"] for name in PEOPLE} == verdicts(elsewhere)
    shown = well(elsewhere("show", "--json", "--account", MEMBER)).json["accounts"][0]["users"][0]
    assert f"{OURS} was made by plan {plan_id} from another store" == shown["reasons"][-1]["detail"]
    assert "with the store: in rollout.yaml, that holds this plan" in shown["cure"]
    found = well(elsewhere("verify", "--json", "--account", MEMBER), DRIFT).json["drift"]
    unknown = next(one for one in found if one["kind"] == "unknown-to-journal")
    assert f"was made by plan {plan_id} from another store" in unknown["text"]
    diagnosed = {
        where: next(
            one
            for one in where("doctor", "--json", "--account", MEMBER).json["checks"]
            if one["name"] == "policy"
        )
        for where in (shell, elsewhere)
    }
    assert ("ok", f"{OURS} was made from this store") == (
        diagnosed[shell]["state"],
        diagnosed[shell]["text"],
    )
    assert "failure" == diagnosed[elsewhere]["state"]
    assert f"{OURS} was made by plan {plan_id} from another store" == diagnosed[elsewhere]["text"]
    assert "with the store: in rollout.yaml, that holds this plan" in diagnosed[elsewhere]["cures"][0]
    with listening() as heard:
        elsewhere("verify", "--fix", "--yes")
        elsewhere("apply", "--stage", "enforce", "--yes")
    assert [] == writes(heard)
    assert people == aws.denied()


@pytest.mark.parametrize("how", ["all", "account", "user", "wave"])
def test_without_journal_and_under_changed_names_people_are_let_out_all_the_same(
    sandbox: Sandbox, shell: Shell, aws: Onlooker, tmp_path: Path, how: str
):
    """By path and tags; and of what is not ours, by no tag of ours, nothing is touched."""
    well(shell("apply", "--stage", "enforce", "--yes"))
    people = aws.denied()
    iam, ana = aws.iam(MEMBER), f"arn:aws:iam::{MEMBER}:user/ana"
    stranger = iam.create_policy(
        PolicyName="Stranger", Path="/rollout/", PolicyDocument=full_document(shell)
    )["Policy"]["Arn"]
    elsewhere = with_settings(tmp_path / "elsewhere", sandbox, "policy: {name: MustMFA, group: MustMFA}\n")
    shutil.copytree(shell.folder / "plans", elsewhere.folder / "plans")
    whom = {
        "all": ("--all",),
        "account": ("--account", MEMBER),
        "user": ("--user", ana),
        "wave": ("--wave", "everybody"),
    }[how]
    with listening() as heard:
        well(elsewhere("release", *whom, "--reason", "drill", "--yes"))
    done = [line.split()[1] for line in writes(heard)]
    if how == "user":
        assert (["RemoveUserFromGroup"], people - {ana}) == (done, aws.denied())
    else:
        assert {"RemoveUserFromGroup" if how == "wave" else "SetDefaultPolicyVersion"} == {*done}
        assert not {arn for arn in aws.denied() if f":{MEMBER}:" in arn}
    assert 1 == len(iam.list_policy_versions(PolicyArn=stranger)["Versions"])
