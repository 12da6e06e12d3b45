"""`gates.approval` with several people: who may approve, who counts, and what everybody is shown of it."""

from __future__ import annotations

from collections.abc import Mapping

import boto3
import pytest

from rollout.sandbox.serving.server import REGION, Sandbox
from tests.cli.shell import Said, Shell
from tests.cli.test_gates import gates_of

ACCOUNT = "444455556666"
PLANNER = "arn:aws:iam::111122223333:user/cloud-admin"
OUTSIDER = f"arn:aws:iam::{ACCOUNT}:user/yara.haddad"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/OrganizationAccountAccessRole"
FOUR_EYES = {"ROLLOUT_GATES__APPROVAL": f"{{from: ['{ROLE}', '{PLANNER}'], not_the_planner: true, count: 2}}"}
APPROVE = ("approve", "--wave", "canary", "--reason", "CAB-311")
ENFORCE = ("apply", "--stage", "enforce", "--yes")


def in_session(sandbox: Sandbox, name: str) -> Mapping[str, str]:
    """The credentials of somebody who has assumed the role under this name."""
    mine = sandbox.environment()
    sts = boto3.client(
        "sts",
        region_name=REGION,
        endpoint_url=mine["AWS_ENDPOINT_URL"],
        aws_access_key_id=mine["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=mine["AWS_SECRET_ACCESS_KEY"],
    )
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName=name)["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


@pytest.fixture
def shell(rehearsed: Shell) -> Shell:
    rehearsed.environment |= FOUR_EYES
    return rehearsed


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (PLANNER, f"not approved: {PLANNER} made this plan (gates.approval.not_the_planner)"),
        (OUTSIDER, f"not approved: {OUTSIDER} is not in gates.approval.from: {ROLE}, {PLANNER}"),
    ],
)
def test_whose_approval_does_not_count_is_refused_at_once(who: str, why: str, shell: Shell, sandbox: Sandbox):
    before = shell.files()
    said = shell(*APPROVE, env=sandbox.environment_of(who))
    assert (5, "") == (said.code, said.out)
    assert f"Error: {why}" == said.errors[0]
    assert "Cure: have somebody run `rollout approve` whose approval counts" in said.errors[1]
    assert before == shell.files()


def test_two_people_approve_a_third_applies_and_all_of_them_are_shown(shell: Shell, sandbox: Sandbox):
    alice, bob = in_session(sandbox, "alice"), in_session(sandbox, "bob")
    said = shell(*APPROVE, env=alice)
    assert 0 == said.code, said.err
    assert f"is approved by {SESSION}/alice, 1 of 2 approvals.\nThe plan was made by {PLANNER}.\n" in said.out
    again = shell(*APPROVE, "--json", env=alice).json
    assert ([f"{SESSION}/alice"], 2, PLANNER) == (again["approvals"], again["needed"], again["planner"])
    assert again["caller_id"].endswith(":alice")
    refused = shell(*ENFORCE)
    assert 5 == refused.code
    assert "gate approval: 1 of 2 approvals: approved 2026-11-24 09:00 UTC by" in refused.errors[0]

    assert 0 == shell(*APPROVE, env=bob).code
    people = (f"{SESSION}/alice: CAB-311", f"{SESSION}/bob: CAB-311", f"planned by {PLANNER}")
    applied = shell(*ENFORCE)
    assert 0 == applied.code, applied.err
    (gate,) = (line for line in applied.err.splitlines() if line.startswith("Gate approval: pass"))
    assert all(text in gate for text in people)
    assert f"as {PLANNER} (plan " in applied.err
    assert f" by {PLANNER}):" in applied.err
    detail = gates_of(shell("status", "--json"), "canary")["approval"]["detail"]
    assert all(text in detail for text in people)
    status = shell("status").out
    assert f"UTC by {PLANNER}, " in status
    assert all(text in status for text in people[:2])
    assert all(text in shell("show").out.replace("\n", "") for text in ("alice", "bob", PLANNER))


def test_the_report_has_planner_appliers_and_approvers(shell: Shell, sandbox: Sandbox):
    for name in ("alice", "bob"):
        assert 0 == shell(*APPROVE, env=in_session(sandbox, name)).code
    report = shell("report", "--json").json
    changes = (shell.folder / report["changes"]).read_text()
    page = (shell.folder / report["html"]).read_text()
    for text in (f"{SESSION}/alice", f"{SESSION}/bob"):
        assert 1 == changes.count(text)
        assert text in page
    assert f'<dd class="id">{PLANNER}</dd>' in page


def test_an_approval_is_weighed_by_the_settings_of_today(rehearsed: Shell, sandbox: Sandbox):
    """On record from when everybody's counted, or put there past `rollout approve`: it opens nothing."""
    assert 0 == rehearsed(*APPROVE, env={"ROLLOUT_GATES__APPROVAL": "true"}).code
    assert passes(rehearsed("status", "--json", env={"ROLLOUT_GATES__APPROVAL": "true"}))
    outsiders = {"ROLLOUT_GATES__APPROVAL": f"{{from: ['{ROLE}']}}"}
    assert not passes(rehearsed("status", "--json", env=outsiders))
    refused = rehearsed(*ENFORCE, env=outsiders)
    assert 5 == refused.code
    assert f"an approval that does not count: {PLANNER} is not in gates.approval.from" in refused.errors[0]
    assert "an approval that does not count" in rehearsed("show", env=outsiders).out
    not_mine = {"ROLLOUT_GATES__APPROVAL": "{not_the_planner: true}"}
    assert f"{PLANNER} made this plan" in rehearsed(*ENFORCE, env=not_mine).errors[0]


def passes(said: Said) -> bool:
    answer: str = gates_of(said, "canary")["approval"]["answer"]
    return answer == "pass"


def test_who_made_a_plan_cannot_be_changed_in_it(shell: Shell):
    (plan,) = (shell.folder / "plans").glob("*.yaml")
    text = plan.read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("caller_id: "))
    plan.write_text(text.replace(line, 'caller_id: "AIDASOMEBODYELSE"'))
    for words in (APPROVE, ENFORCE, ("status",)):
        said = shell(*words)
        assert 6 == said.code
        assert "was altered" in said.errors[0]


def test_who_approved_cannot_be_changed_in_a_sealed_journal(shell: Shell, sandbox: Sandbox):
    key = shell.folder.parent / f"{shell.folder.name}.key"
    assert 0 == shell("init", "--store-key", str(key)).code
    shell.environment["ROLLOUT_STORE_KEY"] = f"file:{key}"
    assert 0 == shell("seal", "--yes").code
    assert 0 == shell(*APPROVE, env=in_session(sandbox, "alice")).code
    (line,) = (path for path in shell.folder.glob("journal/*") if b"/alice" in path.read_bytes())
    line.write_bytes(line.read_bytes().replace(b"/alice", b"/carol").replace(b":alice", b":carol"))
    for words in (APPROVE, ENFORCE):
        said = shell(*words, env=in_session(sandbox, "bob") if words is APPROVE else None)
        assert 6 == said.code
        assert line.name in said.errors[0]
