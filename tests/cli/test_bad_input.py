"""Bad input: one clear line, its cure, the right exit code; nothing written, neither here nor in AWS."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.awsapi.retries import WAITS
from rollout.sandbox.serving.server import Sandbox
from tests.cli.answering import answering
from tests.cli.shell import ROOT, Said, Shell, listening, writes

OFFLINE = (["show"], ["status"], ["report"])
LIVE = (["apply"], ["apply", "--stage", "notify", "--yes"], ["apply", "--stage", "enforce", "--yes"])
ALL = (*OFFLINE, *LIVE, ["notices"], ["verify"], ["approve", "--wave", "canary", "--reason", "CAB-1"])
SOME = (OFFLINE[0], LIVE[-1])  # where one case has shown that all commands ask the same


def refused(
    shell: Shell, words: list[str], code: int, *texts: str, env: Mapping[str, str] | None = None
) -> Said:
    """Run a command that must not get far, and see that it left everything as it was."""
    before = shell.files()
    with listening() as heard:
        said = shell(*words, env=env)
    assert code == said.code, said.err
    for text in texts:
        assert text in said.err
    message, *cure = said.errors
    assert message.startswith("Error: ")
    assert 1 == len(cure), said.err
    assert cure[0].startswith("  Cure: ")
    assert not said.out
    assert before == shell.files()
    assert [] == writes(heard)
    return said


def the_plan(shell: Shell) -> Path:
    (file,) = (shell.folder / "plans").glob("*.yaml")
    return file


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


# --- The plan ---

ALTERED: dict[str, Callable[[Path], object]] = {
    "a user's name": lambda plan: change(plan, '"chen.wei"', '"chen.wej"'),
    "a verdict": lambda plan: change(plan, "verdict: hold", "verdict: enforce"),
    "a count in the header": lambda plan: change(plan, "  enforce: ", "  enforce: 1"),
    "the organization": lambda plan: change(plan, 'caller: "arn', 'caller: "brn'),
    "the checksum": lambda plan: change(plan, 'checksum: "sha256:', 'checksum: "sha256:0'),
    "the comment above": lambda plan: change(plan, "# Written by", "# made by"),
    "a line at the end": lambda plan: plan.write_text(plan.read_text() + "\n"),
    "its end": lambda plan: plan.write_bytes(plan.read_bytes()[:-1]),
}
EVIDENCE: dict[str, Callable[[Path], object]] = {
    "a byte in the middle": lambda file: file.write_bytes(
        (data := file.read_bytes())[:500] + bytes([data[500] ^ 1]) + data[501:]
    ),
    "a byte at the end": lambda file: file.write_bytes(file.read_bytes() + b"x"),
    "its second half": lambda file: file.write_bytes(file.read_bytes()[:2000]),
    "all of it": Path.unlink,
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_plan_that_was_altered_is_refused(what: str, planned: Shell):
    ALTERED[what](the_plan(planned))
    for words in ALL if what == "a verdict" else SOME:
        refused(planned, words, 6, f"{the_plan(planned)}", "altered", "run `rollout plan` again")


@pytest.mark.parametrize("what", EVIDENCE)
def test_a_plan_whose_evidence_was_altered_is_refused(what: str, planned: Shell):
    EVIDENCE[what](the_plan(planned).with_suffix(".evidence.jsonl.gz"))
    for words in ALL if what == "all of it" else SOME:
        refused(planned, words, 6, ".evidence.jsonl.gz", "`rollout plan` again")


def test_a_plan_of_another_organization_is_refused(planned: Shell):
    shutil.copytree(ROOT / "plans" / "sample", planned.folder / "plans", dirs_exist_ok=True)
    (sample,) = (ROOT / "plans" / "sample").glob("*.yaml")
    assert 0 == planned("show").code, "the newest of our own organization is taken by itself"
    for words in LIVE:
        refused(
            planned,
            [*words, sample.stem],
            6,
            "is of organization o-",
            "use credentials of the plan's organization",
        )


def test_a_plan_that_is_too_old_is_refused(planned: Shell, sandbox: Sandbox):
    sandbox.advance(timedelta(days=2))
    young = {
        "ROLLOUT_GATES__LEAD_TIME": "0d",
        "ROLLOUT_GATES__SOAK": "0d",
        "ROLLOUT_RULES__PLAN_MAX_AGE": "1d",
    }
    for words in LIVE:
        refused(planned, words, 6, "is too old: it was made 2026-11-24", "plan again", env=young)


@pytest.mark.parametrize(
    "change_of",
    [
        {"ROLLOUT_RULES__KEYS_IN_USE_DAYS": "30"},
        {"ROLLOUT_POLICY__GROUP": "Other"},
        {"ROLLOUT_POLICY__AMENDMENTS__GET_MFA_DEVICE": "false"},
        {"ROLLOUT_WAVES": '[{"name": "rest"}]'},
        {"ROLLOUT_SCOPE__EXCLUDE__ACCOUNTS": '["444455556666"]'},
    ],
    ids=lambda change_of: next(iter(change_of)).removeprefix("ROLLOUT_"),
)
def test_settings_that_changed_since_are_refused_before_any_gate_and_question(
    change_of: dict[str, str], planned: Shell
):
    for words in LIVE:
        said = refused(
            planned, words, 6, "changed since plan", "plan again, have the plan reviewed", env=change_of
        )
        assert "About to" not in said.err


# --- rollout.yaml ---

SETTINGS = [
    ("gates:\n  lead_time: 14d\n   soak: 3d\n", "rollout.yaml:3:8: invalid YAML near gates.lead_time"),
    ("waves: [\n", "rollout.yaml:1:8: invalid YAML near waves"),
    ("gates:\n  lead_tme: 7d\n", "rollout.yaml:2:3: gates.lead_tme: unknown key; did you mean lead_time?"),
    ("gates: {lead_time: 7}\n", "rollout.yaml:1:20: gates.lead_time: "),
    ("organization: mine\n", "rollout.yaml:1:15: organization: "),
]


@pytest.mark.parametrize(("text", "line"), SETTINGS, ids=lambda value: value.splitlines()[0])
def test_what_is_wrong_in_rollout_yaml_is_named_by_file_line_and_key(text: str, line: str, planned: Shell):
    (planned.folder / "rollout.yaml").write_text(text)
    for words in (["plan"], ["policy"], *(ALL if text is SETTINGS[0][0] else SOME)):
        refused(planned, words, 2, f"Error: {line}")


def test_a_variable_that_is_no_setting_is_named(planned: Shell):
    env = {"ROLLOUT_GATES__LEAD_TIMES": "7d"}
    refused(planned, ["status"], 2, "did you mean ROLLOUT_GATES__LEAD_TIME?", env=env)


@pytest.mark.parametrize(
    "words", [["plan", "--config", "no.yaml"], ["plan", "--config", "plans"]], ids=" ".join
)
def test_a_settings_file_that_is_none_is_named(words: list[str], planned: Shell):
    refused(planned, words, 2, words[-1])


# --- Selections ---

VAIN = [
    ["plan", "--account", "paymints"],
    ["plan", "--ou", "Worklods/*"],
    ["plan", "--account", "identity-hub", "--account", "paymints"],
    ["plan", "--account", "old-crm"],
    ["show", "--account", "paymints"],
    ["show", "--user", "nobody"],
    ["show", "--ou", "Worklods"],
    ["show", "--wave", "canery"],
    *(
        ["apply", "--stage", stage, "--yes", option, glob]
        for stage in ("dry-run", "notify", "enforce")
        for option, glob in (
            ("--wave", "canery"),
            ("--account", "paymints"),
            ("--ou", "Worklods"),
            ("--user", "nobody"),
        )
    ),
]


@pytest.mark.parametrize("words", VAIN, ids=" ".join)
def test_what_matches_nothing_is_named_and_never_read_as_everything(words: list[str], planned: Shell):
    said = refused(planned, words, 2, words[-1])
    assert "About to" not in said.err


def test_a_left_out_account_that_is_asked_for_is_told_with_its_reason(planned: Shell):
    refused(
        planned,
        ["show", "--account", "old-crm"],
        2,
        "999900001111 old-crm was left out (account state CLOSED)",
    )


# --- Credentials, endpoint, organization ---


def test_without_credentials(planned: Shell):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del planned.environment[name]
    for words in (["plan"], *LIVE):
        refused(planned, words, 1, "no AWS credentials were found", "set AWS_PROFILE or pass --profile")
    planned.environment["AWS_ACCESS_KEY_ID"] = "AKIA"
    refused(planned, ["plan"], 1, "missing: AWS_SECRET_ACCESS_KEY")


@pytest.mark.parametrize(
    "wrong",
    [{"AWS_ACCESS_KEY_ID": "AKIAGARBAGE"}, {"AWS_SECRET_ACCESS_KEY": "garbage"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_credentials_that_aws_does_not_know(wrong: dict[str, str], planned: Shell):
    refused(planned, ["plan"], 1, "AWS does not accept the credentials", env=wrong)


def test_credentials_that_ran_out(planned: Shell, sandbox: Sandbox):
    for words in (["plan"], *LIVE):
        refused(
            planned,
            words,
            1,
            "your AWS session has expired",
            "sign in again",
            env=sandbox.expired_environment(),
        )


def test_a_profile_that_is_not_there(planned: Shell):
    refused(planned, ["plan", "--profile", "nope"], 1, "(nope)", "aws configure list-profiles")


def test_an_endpoint_that_does_not_answer(planned: Shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rollout.awsapi.retries.WAITS", dict.fromkeys(WAITS, (0.0, 0.0)))
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    refused(planned, ["plan"], 1, "cannot reach AWS: ", "http://127.0.0.1:9", "AWS_ENDPOINT_URL", env=env)


def test_somebody_who_waits_is_told_for_which_endpoint(planned: Shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rollout.awsapi.retries.WAITS", dict.fromkeys(WAITS, (0.1, 0.1)))
    monkeypatch.setattr("rollout.cli.startup.SLOW", 0.01)
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    # STS and Organizations are asked at once; whichever waits first is named first.
    waiting = " at http://127.0.0.1:9 has not answered yet; still trying. Press Ctrl-C to stop."
    refused(planned, ["plan"], 1, waiting, env=env)


@pytest.mark.parametrize("url", ["http://10.1.2.3:4566", "http://aws.example.com", "ftp://127.0.0.1"])
def test_signed_calls_never_leave_this_machine_in_the_clear(url: str, planned: Shell):
    refused(planned, ["plan"], 2, url, "use https", env={"AWS_ENDPOINT_URL": url})


def test_an_endpoint_that_is_no_url(planned: Shell):
    refused(planned, ["plan"], 2, "Invalid endpoint: nonsense", env={"AWS_ENDPOINT_URL": "nonsense"})


def test_credentials_of_another_organization(planned: Shell):
    settings = planned.folder / "rollout.yaml"
    settings.write_text(re.sub("organization: .*", "organization: o-a1b2c3d4e5", settings.read_text()))
    for words in (["plan"], *LIVE):
        refused(planned, words, 6, "but rollout.yaml says o-a1b2c3d4e5")


def test_a_caller_who_may_not_list_the_organization(bare: Shell, sandbox: Sandbox):
    """In a member account, without being a delegated administrator."""
    env = sandbox.environment_of("arn:aws:iam::444455556666:user/yara.haddad")
    refused(bare, ["plan"], 1, "Organization", "management account or of a delegated administrator", env=env)


def test_an_account_that_is_in_no_organization(bare: Shell):
    with answering(
        {
            "GetCallerIdentity": (200, "111122223333"),
            "DescribeOrganization": (400, "AWSOrganizationsNotInUseException"),
        }
    ) as endpoint:
        env = {"AWS_ENDPOINT_URL": endpoint}
        refused(bare, ["plan"], 1, "does not belong to an organization", "management account", env=env)


# --- Places that cannot be written ---

# As root, rights bind nobody: a file in place of the folder does.
PLACES = [
    ("reports", ["report"]),
    *(("reports", words) for words in LIVE),
    ("plans", ["plan"]),
    ("outbox", ["apply", "--stage", "notify", "--yes"]),
    ("journal", ["plan"]),
    ("journal", ["status"]),
    *(("journal", words) for words in LIVE),
    (".rollout", ["apply"]),
]


@pytest.mark.parametrize(("place", "words"), PLACES, ids=str)
def test_a_place_that_cannot_be_written_is_named_before_anything_is_done(
    place: str, words: list[str], rehearsed: Shell
):
    shutil.rmtree(rehearsed.folder / place, ignore_errors=True)
    (rehearsed.folder / place).touch()
    refused(rehearsed, words, 1, f"{rehearsed.folder / place}", "Not a directory")


# --- Questions ---


@pytest.mark.parametrize("stage", ["notify", "enforce"])
def test_without_a_terminal_and_without_yes_nothing_is_written(stage: str, rehearsed: Shell):
    said = refused(rehearsed, ["apply", "--stage", stage], 2, "no terminal", "--yes")
    assert "wave canary, " in said.err
    really = rehearsed.really("apply", "--stage", stage)
    assert (2, said.errors) == (really.code, really.errors)


WRONG_USAGE = [
    ["apply", "--stage", "sideways"],
    ["apply", "--override-gate", "soak"],
    ["apply", "--override-gate", "soke", "--reason", "why not"],
    ["plan", "--acount", "x"],
    ["frobnicate"],
    ["show", "one", "two"],
    ["sandbox", "advance"],
    ["sandbox", "advance", "14"],
    ["sandbox", "advance", "-3d"],
    ["sandbox", "advance", "fortnight"],
    ["policy", "simulate"],
]


@pytest.mark.parametrize("words", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_is_2_and_writes_nothing(words: list[str], planned: Shell):
    before = planned.files()
    said = planned(*words)
    assert 2 == said.code
    assert "Error: " in said.err
    assert not said.out
    assert before == planned.files()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("enforced", "enforce"),
        ("notfy", "notify"),
        ("dryrun", "dry-run"),
        ("notice", "notify"),
        ("Enforce", "enforce"),
    ],
)
def test_a_stage_that_is_none_names_the_nearest(typed: str, meant: str, planned: Shell):
    said = planned("apply", "--stage", typed)
    assert (2, f"  Cure: did you mean {meant}?") == (said.code, said.err.splitlines()[-1])


def test_a_stage_that_is_near_to_none_names_all(planned: Shell):
    said = planned("apply", "--stage", "xyz").err
    assert "did you mean" not in said
    assert "'dry-run', 'notify', 'enforce'" in said
