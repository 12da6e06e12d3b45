"""`rollout policy`: the documents as they will be written, and the evaluator for anybody's questions."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import rollout.domain.policy
from tests.cli.shell import Shell

SEED = json.loads((Path(rollout.domain.policy.__file__).parent / "force-mfa-policy.json").read_text())
USER = "arn:aws:iam::111122223333:user/alice"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """No rollout.yaml, no credentials, no AWS."""
    return Shell(tmp_path, {})


def query(number: int | str, mfa: str = "false", action: str = "s3:GetObject") -> str:
    request = {
        "action": action,
        "resource": "*",
        "principal": USER,
        "context": {"aws:MultiFactorAuthPresent": mfa},
    }
    return json.dumps({"id": number, "policies": [SEED], "request": request}) + "\n"


def test_the_document_is_the_seed_with_its_amendments(shell: Shell):
    document = shell("policy").json
    assert [one["Sid"] for one in SEED["Statement"]] == [one["Sid"] for one in document["Statement"]]
    assert SEED != document
    assert SEED == shell("policy", env={"ROLLOUT_POLICY__VARIANT": "seed"}).json


def test_the_brake_is_the_allow_half(shell: Shell):
    brake = shell("policy", "--document", "brake").json
    assert shell("policy").json["Statement"][:-1] == brake["Statement"]
    assert {"Allow"} == {one["Effect"] for one in brake["Statement"]}


def test_each_partition_has_arns_of_its_own(shell: Shell):
    said = shell("policy", "--partition", "aws-cn")
    assert "arn:aws-cn:iam::" in said.out
    assert "arn:aws:" not in said.out


def test_the_difference_names_each_switch_with_its_risk(shell: Shell):
    said = shell("policy", "--diff", "seed")
    assert 0 == said.code
    for switch in ("partition", "pathed_users", "get_mfa_device"):
        assert f"# {switch}: " in said.out
    assert '+                "arn:aws:iam::*:user/*/${aws:username}"' in said.out
    assert not shell("policy", "--diff", "seed", env={"ROLLOUT_POLICY__VARIANT": "seed"}).out.count("\n+ ")


def test_a_difference_from_anything_else_is_wrong_usage(shell: Shell):
    said = shell("policy", "--diff", "sead")
    assert 2 == said.code
    assert [
        'Error: cannot compare with "sead"',
        "  Cure: use --diff seed",
    ] == said.errors


def test_the_documents_are_checked_without_credentials(shell: Shell):
    said = shell("policy", "--check")
    assert 0 == said.code
    for name in ("full", "brake", "enrolment"):
        assert f"{name}: " in said.out
    assert said.out.count(" 0 problems") == 3
    assert "skipped the check by Access Analyzer" in said.err


def test_questions_from_a_file_are_answered_line_by_line(shell: Shell):
    (shell.folder / "questions").write_text(
        query(1) + "\n" + query(2, "true") + query(3, action="iam:GetUser")
    )
    said = shell("policy", "simulate", "questions")
    assert (0, "") == (said.code, said.err)
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert [(1, "ExplicitlyDenied"), (2, "ImplicitlyDenied"), (3, "ImplicitlyDenied")] == [
        (one["id"], one["decision"]) for one in answers
    ]
    assert "DenyAllExceptListedIfNoMFA" == answers[0]["because"][0]["sid"]


def test_questions_from_a_pipe_are_answered(shell: Shell):
    said = shell.really("policy", "simulate", "-", stdin=query("é😀"))
    assert ("é😀", 0) == (said.json["id"], said.code)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "not valid JSON: Expecting value at column 1"),
        ('{"id": 1}', '"policies" of the line is missing or not a list'),
        ("[1]", ""),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "{}," * 250_000 + "{}]", "it has more than 250,000 values"),
        ("1" * 5000, "Exceeds the limit"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_answered(line: str, why: str, shell: Shell):
    (shell.folder / "questions").write_text(query(1) + line + "\n" + query(3))
    said = shell("policy", "simulate", "questions")
    assert 2 == said.code
    answers = [json.loads(one) for one in said.out.splitlines()]
    assert [1, None, 3] == [one["id"] for one in answers]
    assert answers[1]["error"].startswith(f"line 2: {why}")
    assert f"questions, {answers[1]['error']}" in said.err
    assert "Error: 1 line of questions could not be evaluated; all others were" in said.errors


def test_half_a_letter_is_passed_on(shell: Shell):
    """A lone surrogate is valid JSON, and no terminal can show it."""
    text = query(1).replace('"id": 1', '"id": "\\ud800"')
    said = shell.really("policy", "simulate", "-", stdin=text)
    assert ("\ud800", 0) == (said.json["id"], said.code)


@pytest.mark.parametrize("name", ["nowhere", ".", "latin"])
def test_a_file_that_cannot_be_read_is_wrong_usage(name: str, shell: Shell):
    (shell.folder / "latin").write_bytes(b"\xe9\n")
    said = shell("policy", "simulate", name)
    assert 2 == said.code
    assert said.errors[0].startswith(f"Error: {name} cannot be read: ")
    assert 2 == len(said.errors)
    assert not said.out


def test_three_thousand_questions_take_seconds(shell: Shell):
    text = "".join(query(number, "true" if number % 2 else "false") for number in range(3000))
    began = time.monotonic()
    said = shell.really("policy", "simulate", "-", stdin=text)
    assert time.monotonic() - began < 10
    assert (0, 3000) == (said.code, len(said.out.splitlines()))
