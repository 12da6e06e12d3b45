"""Templates of roles: they allow the operations of the table, on what is ours, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint.api  # type: ignore[import-untyped]  # it has no types
import hcl2
import pytest
import yaml
from botocore.loaders import Loader

from rollout.aws.roles.template_resources import Part, RightsPolicy
from rollout.aws.roles.terraform import module
from rollout.awsapi.operations import OPERATIONS, Use
from rollout.domain.iam import Allowed, Context, Policies, Request, evaluate, parse_document
from tests.aws.applied_template import ACCOUNT, applied, resolved
from tests.cli.shell import Said, Shell

OPERATOR, NIGHTLY = "arn:aws:iam::111122223333:role/Ops*", "arn:aws:iam::111122223333:role/ci/nightly"
SETTINGS = """\
organization: o-a1b2c3d4e5
store: s3://acme-rollout/prod
store_key: alias/rollout
access: {external_id: "the-external-id", source_identity: ana, session_tags: {team: identity}}
rules: {break_glass: ["arn:aws:iam::111122223333:user/glass"]}
"""
CALLERS = ("--caller", OPERATOR, "--reading-caller", NIGHTLY)
TERRAFORM = shutil.which("terraform")


def write(folder: Path, *words: str, settings: str = SETTINGS) -> Said:
    (folder / "rollout.yaml").write_text(settings)
    return Shell(folder, {})("init", "--roles", *words)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Each file by its name, with everything that can be asked for."""
    folder = tmp_path_factory.mktemp("templates")
    said = write(folder, "cloudformation", *CALLERS, "--require-mfa", "--for-proof")
    assert 0 == said.code, said.err
    return {path.stem: path.read_text() for path in sorted((folder / "roles").iterdir())}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    assert 0 == write(folder, "terraform", *CALLERS, "--require-mfa", "--for-proof").code
    return folder / "roles"


def rights(templates: Mapping[str, str], role: str) -> dict[str, Any]:
    """The policy of a role in an account, as AWS would have it."""
    document: dict[str, Any] = applied(templates["roles"])[f"{role}Rights"]["PolicyDocument"]
    return document


def may(document: Mapping[str, Any], action: str, resource: str, **context: str) -> bool:
    policies = Policies((parse_document(document, "its own"),))
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    asked = Request(action, resource, f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s", Context(keys))
    return isinstance(evaluate(policies, asked), Allowed)


@cache
def iam_actions() -> frozenset[str]:
    model = Loader().load_service_model("iam", "service-2")
    return frozenset(f"iam:{name}" for name in model["operations"])


@pytest.mark.parametrize("stem", ["roles", "callers", "store", "protect", "backstop"])
def test_cloudformation_finds_nothing_wrong(templates: Mapping[str, str], stem: str):
    found = cfnlint.api.lint_all(templates[stem])
    assert [] == [str(one) for one in found if not one.rule.id.startswith("I")]  # I: suggestions


def test_terraform_reads_each_module_and_would_format_nothing(modules: Path):
    for path in sorted(modules.glob("*/main.tf")):
        with path.open() as stream:
            assert hcl2.load(stream)["resource"], path
    if TERRAFORM:
        formatted = subprocess.run(
            [TERRAFORM, "fmt", "-check", "-recursive", str(modules)], capture_output=True, check=False
        )
        assert (0, b"") == (formatted.returncode, formatted.stdout)


def test_both_languages_say_the_same(templates: Mapping[str, str], modules: Path):
    for stem, text in templates.items():
        in_terraform = (modules / stem / "main.tf").read_text()
        written = [
            json.loads(found) for found in re.findall(r"jsonencode\((\{.*?\n  \})\)", in_terraform, re.DOTALL)
        ]
        filled = [
            json.loads(
                json.dumps(document)
                .replace("${data.aws_partition.current.partition}", "aws")
                .replace("${data.aws_caller_identity.current.account_id}", ACCOUNT)
                .replace("${var.external_id}", "the-external-id")
            )
            for document in written
        ]
        names = ("PolicyDocument", "AssumeRolePolicyDocument", "Content")
        expected = [each[name] for each in applied(text).values() for name in names if name in each]
        assert sorted(map(json.dumps, expected)) == sorted(map(json.dumps, filled)), stem


@pytest.mark.parametrize(
    ("role", "uses"), [("Reader", {Use.READ, Use.PROBE}), ("Writer", set(Use) - {Use.ASK})]
)
def test_a_role_may_do_what_the_table_lists_for_it_and_nothing_else(
    templates: Mapping[str, str], role: str, uses: set[Use]
):
    document = rights(templates, role)
    granted = {action for statement in document["Statement"] for action in statement["Action"]}
    listed = {
        action for one in OPERATIONS if one.use in uses and one.service == "iam" for action in one.actions
    }
    assert listed == {action for action in granted if action.startswith("iam:")}
    for action in iam_actions() - granted:
        assert not may(document, action, "*"), action


@pytest.mark.parametrize(
    ("action", "ours", "others"),
    [
        ("iam:CreatePolicyVersion", "policy/rollout/ForceMFA", "policy/rollout-access/RolloutWriter"),
        ("iam:DeletePolicy", "policy/rollout/ForceMFA", "policy/Developers"),
        ("iam:AddUserToGroup", "group/rollout/ForceMFA", "group/Admins"),
        ("iam:DeleteGroup", "group/rollout/ForceMFA", "group/rollout-access/x"),
        ("iam:CreateAccessKey", "user/rollout-proof/p-1", "user/alice"),
        ("iam:CreateRole", "role/rollout-proof/p-1", "role/rollout-access/RolloutWriter"),
        ("iam:DeleteVirtualMFADevice", "mfa/rollout-proof/p-1", "mfa/alice"),
    ],
)
def test_a_writing_role_writes_to_what_is_ours_and_not_to_its_own_rights(
    templates: Mapping[str, str], action: str, ours: str, others: str
):
    document = rights(templates, "Writer")
    assert may(document, action, f"arn:aws:iam::{ACCOUNT}:{ours}")
    assert not may(document, action, f"arn:aws:iam::{ACCOUNT}:{others}")
    assert not may(document, action, f"arn:aws:iam::999999999999:{ours}")
    assert not may(rights(templates, "Reader"), action, f"arn:aws:iam::{ACCOUNT}:{ours}")


def test_a_writing_role_attaches_our_policies_only(templates: Mapping[str, str]):
    document, user = rights(templates, "Writer"), f"arn:aws:iam::{ACCOUNT}:user/alice"
    ours, admin = (
        f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA",
        "arn:aws:iam::aws:policy/AdministratorAccess",
    )
    assert may(document, "iam:AttachUserPolicy", user, iam__PolicyARN=ours)
    assert not may(document, "iam:AttachUserPolicy", user, iam__PolicyARN=admin)


def test_nothing_of_a_proof_is_allowed_unless_asked_for(tmp_path: Path):
    assert 0 == write(tmp_path, "cloudformation", "--caller", OPERATOR).code
    text = (tmp_path / "roles/roles.yaml").read_text()
    assert "rollout-proof" not in text
    assert "CreateUser" not in text


def test_the_documents_fit_into_managed_policies(templates: Mapping[str, str]):
    for document in (rights(templates, "Writer"), *(each["PolicyDocument"] for each in callers(templates))):
        assert len(json.dumps(document, separators=(",", ":"))) <= 6144
    for stem in ("protect", "backstop"):
        (policy,) = applied(templates[stem]).values()
        assert len(json.dumps(policy["Content"], separators=(",", ":"))) <= 5120


def callers(templates: Mapping[str, str]) -> list[dict[str, Any]]:
    return list(applied(templates["callers"]).values())


def test_a_role_is_trusted_by_its_callers_under_every_condition(templates: Mapping[str, str]):
    trust = applied(templates["roles"])["Writer"]["AssumeRolePolicyDocument"]["Statement"]
    entering, passing = trust
    assert {
        "ArnLike": {"aws:PrincipalArn": [OPERATOR]},
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5", "sts:ExternalId": "the-external-id"},
    } == entering["Condition"]
    assert ["sts:SetSourceIdentity", "sts:TagSession"] == passing["Action"]
    reader = applied(templates["roles"])["Reader"]["AssumeRolePolicyDocument"]["Statement"][0]
    assert [OPERATOR, NIGHTLY] == reader["Condition"]["ArnLike"]["aws:PrincipalArn"]


def test_the_external_id_is_in_no_file(templates: Mapping[str, str], modules: Path):
    texts = [*templates.values(), *(path.read_text() for path in modules.glob("*/main.tf"))]
    assert not [text for text in texts if "the-external-id" in text]


def test_a_caller_may_seal_store_and_enter_by_our_roles_only(templates: Mapping[str, str]):
    writing, reading = (each["PolicyDocument"] for each in callers(templates))
    writer, reader = (
        f"arn:aws:iam::{ACCOUNT}:role/rollout-access/Rollout{name}" for name in ("Writer", "Reader")
    )
    assert may(writing, "sts:AssumeRole", writer)
    assert may(writing, "sts:AssumeRole", reader)
    assert may(reading, "sts:AssumeRole", reader)
    assert not may(reading, "sts:AssumeRole", writer)
    assert not may(writing, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole")
    assert may(writing, "s3:PutObject", "arn:aws:s3:::acme-rollout/prod/journal/x")
    assert not may(writing, "s3:PutObject", "arn:aws:s3:::acme-rollout/other/x")


def test_a_caller_may_find_and_tell_people_as_the_settings_say_and_no_otherwise(tmp_path: Path):
    queue = "https://sqs.eu-central-1.amazonaws.com/111122223333/q"
    notify = f"{{channel: ses, ses_events: '{queue}', find: [{{identity_center: eu-central-1}}]}}"
    assert 0 == write(tmp_path, "cloudformation", "--caller", OPERATOR, settings=f"notify: {notify}\n").code
    caller = applied((tmp_path / "roles/callers.yaml").read_text())["Caller"]["PolicyDocument"]
    (granted,) = (one["Action"] for one in caller["Statement"] if one["Sid"] == "FindAndTellPeople")
    assert {"ses", "sqs", "sso", "identitystore"} == {action.partition(":")[0] for action in granted}
    assert 0 == write(tmp_path, "cloudformation", "--caller", OPERATOR, "--force", settings="").code
    assert "FindAndTellPeople" not in (tmp_path / "roles/callers.yaml").read_text()


def test_the_protection_stops_everybody_but_rollout_and_the_stack_set(templates: Mapping[str, str]):
    (policy,) = applied(templates["protect"]).values()
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    both = [parse_document(document, "scp") for document in (policy["Content"], everything)]

    def allows(principal: str, action: str, resource: str, **more: str) -> bool:
        context = Context({"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{principal}"} | more)
        asked = Request(
            action, f"arn:aws:iam::{ACCOUNT}:{resource}", f"arn:aws:iam::{ACCOUNT}:role/x", context
        )
        return isinstance(evaluate(Policies(tuple(both)), asked), Allowed)

    writer, admin, stacks = "rollout-access/RolloutWriter", "Admin", "stacksets-exec-0123456789abcdef"
    group, own = "group/rollout/ForceMFA", "role/rollout-access/RolloutWriter"
    assert allows(writer, "iam:RemoveUserFromGroup", group)
    assert not allows(admin, "iam:RemoveUserFromGroup", group)
    assert allows(admin, "iam:RemoveUserFromGroup", "group/Developers")
    ours = {"iam:PolicyARN": f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"}
    assert not allows(admin, "iam:DetachUserPolicy", "user/alice", **ours)
    assert allows(writer, "iam:DetachUserPolicy", "user/alice", **ours)
    assert not allows(admin, "iam:UpdateAssumeRolePolicy", own)
    assert not allows(writer, "iam:UpdateAssumeRolePolicy", own)
    assert allows(stacks, "iam:UpdateAssumeRolePolicy", own)


def test_the_backstop_denies_users_without_mfa_whom_nobody_spared(templates: Mapping[str, str]):
    (policy,) = applied(templates["backstop"]).values()
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    both = tuple(parse_document(document, "scp") for document in (policy["Content"], everything))

    def allows(principal: str, action: str, **more: str) -> bool:
        arn = f"arn:aws:iam::111122223333:{principal}"
        return isinstance(
            evaluate(Policies(both), Request(action, "*", arn, Context({"aws:PrincipalArn": arn} | more))),
            Allowed,
        )

    assert not allows("user/alice", "s3:ListAllMyBuckets")
    assert allows("user/alice", "iam:EnableMFADevice")
    assert allows("user/alice", "s3:ListAllMyBuckets", **{"aws:MultiFactorAuthPresent": "true"})
    assert allows("user/glass", "s3:ListAllMyBuckets")
    assert allows("role/Ops", "s3:ListAllMyBuckets")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nobody may assume the roles"),
        (("--caller", "arn:aws:sts::111122223333:assumed-role/Ops/ana"), "is a session"),
        (("--caller", "Ops"), "is not the ARN of a role or a user"),
        (("--caller", "*"), "is not the ARN of a role or a user"),
    ],
)
def test_callers_must_be_roles_or_users(tmp_path: Path, words: tuple[str, ...], message: str):
    said = write(tmp_path, "terraform", *words)
    assert (2, True) == (said.code, message in said.err)
    assert not (tmp_path / "roles").exists()


def test_the_hop_role_is_who_enters(tmp_path: Path):
    hop = "arn:aws:iam::222233334444:role/Hop"
    assert 0 == write(tmp_path, "cloudformation", settings=f"access: {{hop_role: '{hop}'}}\n").code
    template = (tmp_path / "roles/roles.yaml").read_text()
    (trust,) = applied(template)["Writer"]["AssumeRolePolicyDocument"]["Statement"]
    assert {"AWS": ["arn:aws:iam::222233334444:root"]} == trust["Principal"]
    assert {"ArnLike": {"aws:PrincipalArn": [hop]}} == trust["Condition"]


def test_options_for_roles_go_with_roles(tmp_path: Path):
    said = Shell(tmp_path, {})("init", "--caller", OPERATOR)
    assert (2, []) == (said.code, list(tmp_path.iterdir()))


def test_a_template_is_not_written_over(tmp_path: Path):
    assert 0 == write(tmp_path, "terraform", "--caller", OPERATOR).code
    assert 2 == write(tmp_path, "terraform", "--caller", OPERATOR).code
    assert 0 == write(tmp_path, "terraform", "--caller", OPERATOR, "--force").code


def test_texts_that_terraform_would_take_for_templates_stay_text():
    statement = {
        "Effect": "Allow",
        "Action": "iam:GetUser",
        "Resource": "arn:aws:iam::*:user/${aws:username}%{x}",
    }
    text = module(Part("x", (), (RightsPolicy("X", "X", "", (statement,)),)))
    assert "user/$${aws:username}%%{x}" in text
    assert resolved(yaml.safe_load("Fn::Sub: '${!aws:username}${AWS::Partition}'")) == "${aws:username}aws"
