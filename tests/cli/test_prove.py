"""`rollout prove` on the embedded organization, which weighs what the throw-away users ask by our own evaluator.

That shows the mechanics, not AWS: what AWS answers can only be seen on AWS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rollout.awsapi.retries import Retries
from rollout.cli.commands.proving.terminal_guide import TerminalGuide
from rollout.domain.proof import proof_users
from rollout.domain.proof.comparing import HowAnswered, compare
from rollout.domain.proof.proof_script import questions
from rollout.domain.proof.proof_users import MUST_CHANGE, NO_DEVICE, WITH_TOTP, ProofNames
from rollout.sandbox.serving.server import Sandbox
from rollout.wiring import decision_rules
from rollout.wiring.aws_access import Aws
from rollout.workflows.ports import SignIn
from tests.cli.conftest import ONE_ACCOUNT, Kept, with_settings
from tests.cli.shell import Said, Shell, listening, writes
from tests.domain.proof.proving import CONDITION, EXEMPT, with_deny
from tests.end_to_end.iam_state import Onlooker
from tests.felt_late import felt_late
from tests.snapshots import Snapshot


class Killed(BaseException):
    """What a process that is killed does not survive."""


@pytest.fixture(scope="module", autouse=True)
def _sleeping_moves_the_clock(sandbox: Sandbox) -> Iterator[None]:
    """So that waiting for the next code takes no time."""

    def sleep(seconds: float) -> None:
        sandbox.advance(timedelta(seconds=max(1, seconds)))

    def retries(aws: Any) -> Retries:
        made = Retries(sleep=sleep, monotonic=lambda: sandbox.now().timestamp())
        kept: Retries = aws.__dict__.setdefault("retries of a test", made)
        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Aws, "_retries", property(retries))
        yield


@dataclass(frozen=True)
class Run:
    """One proof to its end, and IAM before and after it."""

    said: Said
    shell: Shell
    before: Any
    after: Any


@pytest.fixture(scope="module")
def proved(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Some 500 calls take three seconds, so all tests of this module look at one proof."""
    start = Snapshot.of(sandbox)
    shell = with_settings(tmp_path_factory.mktemp("proved"), sandbox)
    onlooker = Onlooker(sandbox.environment())
    before = onlooker.snapshot()
    with felt_late(sandbox, delay=timedelta(seconds=5)):
        said = shell("prove", "--account", ONE_ACCOUNT, "--yes", "--json")
    run = Run(said, shell, before, onlooker.snapshot())
    start.restore(sandbox)
    return run


@pytest.fixture
def few_people(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A proof of half the personas takes half the time."""
    monkeypatch.setattr(proof_users, "PERSONAS", (NO_DEVICE, WITH_TOTP, MUST_CHANGE))
    return monkeypatch


def test_it_leaves_everything_as_it_was(proved: Run):
    assert proved.before == proved.after
    assert "rollout-proof" not in str(proved.after)


def test_every_answer_is_recorded_with_its_request_id(proved: Run):
    answers = proved.said.json["answers"]
    (file,) = [name for name in proved.shell.files() if name.startswith("proofs/") and name.endswith(".json")]
    kept = json.loads(proved.shell.files()[file])
    assert kept["answers"] == answers
    assert (ONE_ACCOUNT, 14) == (kept["account_id"], len({one["persona"] for one in answers}))
    answered = [one for one in answers if one["answered"] in ("allowed", "denied")]
    assert [] == [one["question"] for one in answered if not one["request_id"]]
    assert [] == [one["question"] for one in answers if one["code"] == "ParamValidationError"]


def test_nothing_differs_from_what_was_foretold(proved: Run):
    assert 0 == proved.said.code
    assert {"agreed", "not tried", "could not be asked"} >= {
        one["agreement"] for one in proved.said.json["answers"]
    }


def test_how_long_changes_take_to_be_felt_is_measured(proved: Run):
    """What reading back cannot show: IAM has a change at once, and the user's own calls are weighed late."""
    for topic in ("attach and deny", "brake", "end of the brake", "release and allow"):
        first = next(one for one in proved.said.json["answers"] if one["topic"] == topic)
        assert ("agreed", True) == (first["agreement"], 5 <= first["seconds"] < 10), first


def test_the_report_shows_every_question(proved: Run, sandbox: Sandbox, tmp_path: Path):
    shell = Kept(proved.shell.folder, Snapshot.of(sandbox)).again(tmp_path, sandbox)
    assert shell("plan", "--account", ONE_ACCOUNT, env={"ROLLOUT_EXEMPTIONS": "[]"}).code in (0, 4)
    page = Path(shell("report", "--json").json["html"]).read_text()
    assert "Proof of the policy on AWS" in page
    for answer in proved.said.json["answers"]:
        assert answer["request_id"] in page
    (file,) = (tmp_path / "proofs").iterdir()
    file.write_text(file.read_text().replace("denied", "allowed"))
    said = shell("report")
    assert 6 == said.code
    assert "is not what the journal says was written" in said.err


def test_no_secret_is_written_down(proved: Run):
    """Keys, passwords and seeds of the throw-away users stay in memory."""
    text = (
        b"".join(proved.shell.files().values()).decode(errors="replace") + proved.said.out + proved.said.err
    )
    assert [] == re.findall(r"A[KS]IA[A-Z0-9]{12,}", text)
    assert "SecretAccessKey" not in text


def test_a_plan_of_a_proof_writes_nothing(bare: Shell):
    before = bare.files()
    with listening() as heard:
        said = bare("prove", "--account", ONE_ACCOUNT, "--plan", "--json")
    assert [] == writes(heard)
    assert before == bare.files()
    assert {"CreateUser", "CreatePolicy", "AttachUserPolicy"} <= {
        one.split()[0] for one in said.json["writes"]
    }
    assert {"allowed", "denied", "left open"} == {one["expected"] for one in said.json["questions"]}


def test_it_asks_before_it_writes(bare: Shell):
    with listening() as heard:
        said = bare("prove", "--account", ONE_ACCOUNT)
    assert 2 == said.code
    assert [] == writes(heard)


def test_an_account_that_is_not_of_the_organization_is_wrong_usage(bare: Shell):
    assert 2 == bare("prove", "--account", "999999999999", "--plan").code


def test_what_a_killed_proof_left_is_removed_and_nothing_else(
    sandbox: Sandbox, bare: Shell, few_people: pytest.MonkeyPatch
):
    """A user at that path that no proof has made stays."""
    onlooker = Onlooker(sandbox.environment())
    onlooker.iam(ONE_ACCOUNT).create_user(UserName="rollout-proof-k3f9xy-totp-user", Path="/rollout-proof/")
    before = onlooker.snapshot()
    few_people.setattr("rollout.workflows.proving.proof_run.compare", killed_at("iam:EnableMFADevice", 2))
    with pytest.raises(Killed):
        bare("prove", "--account", ONE_ACCOUNT, "--yes")
    assert before != onlooker.snapshot()
    planned = bare("plan", "--account", ONE_ACCOUNT, "--json", env={"ROLLOUT_EXEMPTIONS": "[]"})
    (left,) = [one for one in planned.json["findings"] if one["code"] == "proof-left"]
    assert "6 throw-away users of `rollout prove` left out" in left["text"]
    plans = [text for name, text in bare.files().items() if name.endswith(".yaml") and "plans/" in name]
    assert ["rollout-proof-k3f9xy-totp-user"] == re.findall(r'"(rollout-proof-[^"]*)"', plans[0].decode())
    said = bare("prove", "--account", ONE_ACCOUNT, "--clean", "--yes")
    assert 0 == said.code
    assert "Left alone, for no proof has made it: arn:aws:iam::" in said.err
    assert before == onlooker.snapshot()


def killed_at(operation: str, number: int):
    """Compare as ever, until the n-th answer about an operation."""
    left = number

    def comparing(question: Any, *rest: Any) -> Any:
        nonlocal left
        left -= question.operation == operation
        if not left:
            raise Killed
        return compare(question, *rest)

    return comparing


def test_passwords_for_the_browser_are_shown_once_on_the_terminal_and_written_nowhere(
    bare: Shell, few_people: pytest.MonkeyPatch
):
    """What was seen is typed; what AWS shows of it stands beside."""
    typed = iter(["y", "n", "s", "s", "n", "c", "y", "y"])
    guide = "rollout.cli.commands.proving.terminal_guide"
    few_people.setattr(f"{guide}.attended", lambda: True)
    few_people.setattr(f"{guide}.choose", lambda question, letters: next(typed))
    said = bare("prove", "--account", ONE_ACCOUNT, "--yes", "--json", "--guided")
    passwords = re.findall(r"Password: (\S+) \(shown once\)", said.err)
    assert 4 == len({*passwords}) == len(passwords)
    assert re.search(r"Code: \d{6} ", said.err)
    kept = b"".join(bare.files().values()).decode(errors="replace") + said.out
    assert [] == [password for password in passwords if password in kept]
    by_hand = [one for one in said.json["answers"] if one["topic"] == "by hand, in a browser"]
    assert [] == [one["question"] for one in by_hand if one["agreement"] not in ("agreed", "not tried")]
    assert ["allowed", "denied", "not tried", "not tried", "denied", "allowed", "allowed"] == [
        one["answered"] for one in by_hand
    ]
    assert "password last used" in by_hand[0]["detail"] or "no use of the password" in by_hand[0]["detail"]


def test_without_a_terminal_nobody_is_shown_a_password(capsys: pytest.CaptureFixture[str]):
    (question, *_) = [one for one in questions(ProofNames("k3f9xy", guided=True)) if one.by_hand]
    sign_in = SignIn("https://example.com", "visitor", "secret")
    assert HowAnswered.NOT_TRIED is TerminalGuide().walk(question, sign_in)
    assert ("", "") == capsys.readouterr()
    assert "secret" not in repr(sign_in)


WRONG = {
    "Bool for BoolIfExists": (
        with_deny(Condition={"Bool": CONDITION["BoolIfExists"]}),
        "iam:GetAccountSummary",
    ),
    "a missing enrolment action": (
        with_deny(NotAction=[action for action in EXEMPT if action != "iam:EnableMFADevice"]),
        "iam:EnableMFADevice",
    ),
}


@pytest.mark.parametrize(("full", "operation"), WRONG.values(), ids=WRONG)
def test_a_wrong_policy_is_found_and_the_question_that_shows_it_named(
    full: dict[str, Any], operation: str, bare: Shell, few_people: pytest.MonkeyPatch
):
    few_people.setattr(decision_rules, "force_mfa", lambda *_: full)
    said = bare("prove", "--account", ONE_ACCOUNT, "--yes", "--json")
    assert 1 == said.code
    wrong = {one["operation"] for one in said.json["answers"] if one["agreement"] == "wrong policy"}
    assert operation in wrong
    assert operation in "\n".join(said.errors)
