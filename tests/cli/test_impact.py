"""What enforcement means to how many users: the same figures in the plan, the commands and the page."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Said, Shell, listening
from tests.sandbox.connecting import client, entered, two_codes

TITLE = "Impact on users not enforced yet"
FIGURES = ("enrol", "without_device", "cli", "nothing", "no_notice")


def header_of(shell: Shell) -> dict[str, dict[str, int]]:
    """The impact by wave as the first document of the plan file has it."""
    (plan,) = (shell.folder / "plans").glob("*.yaml")
    with plan.open() as stream:
        impact: dict[str, dict[str, int]] = next(iter(yaml.safe_load_all(stream)))["impact"]
    return impact


def rows(text: str, title: str) -> dict[str, dict[str, int]]:
    """The table below a title: wave, users, and the five figures."""
    below = text.partition(title)[2].splitlines()[2:]
    found = (
        re.fullmatch(r"(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*", line) for line in below
    )
    table = {}
    for match in found:
        if match is None:
            break
        wave, users, *figures = match.groups()
        table[wave] = dict(zip(FIGURES, map(int, figures), strict=True))
        assert int(users) == sum(table[wave][name] for name in ("enrol", "cli", "nothing"))
    return table


def page_of(said: Said) -> str:
    text = Path(said.json["html"]).read_text()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def total(figures: dict[str, dict[str, int]], name: str) -> int:
    return sum(wave[name] for wave in figures.values())


def test_plan_file_commands_and_page_give_the_same_figures(planned: Shell):
    in_file = header_of(planned)
    assert {"canary", "non-production", "rest"} == in_file.keys()
    again = planned("plan", "--json").json["impact"]
    status = {wave["wave"]: wave["impact"] for wave in planned("status", "--json").json}
    assert in_file == again == status
    printed = rows(planned("plan").out, TITLE)
    shown = rows(planned("show").out, TITLE)
    stands = rows(planned("status").out, TITLE)
    assert in_file == printed == shown == stands
    page = page_of(planned("report", "--json"))
    assert (
        f"{total(in_file, 'enrol')} must enrol a device ({total(in_file, 'without_device')} have none)"
        in page
    )
    assert all(total(in_file, name) for name in FIGURES), "each figure is worth comparing"


def test_the_figures_are_those_of_the_users_to_be_enforced(planned: Shell):
    said = planned("show", "--json").json
    users = [
        user for account in said["accounts"] for user in account["users"] if user["verdict"] == "enforce"
    ]
    figures = planned("plan", "--json").json["impact"]
    assert sum(user["impact"] in ("enrol", "passkey-only") for user in users) == total(figures, "enrol")
    assert sum(user["impact"] == "enrol" for user in users) == total(figures, "without_device")
    assert sum(user["impact"] == "cli" for user in users) == total(figures, "cli")
    assert sum(user["impact"] == "none" for user in users) == total(figures, "nothing")


@pytest.mark.parametrize("command", ["plan", "status"])
def test_list_names_everybody_behind_the_figures(command: str, planned: Shell):
    figures = header_of(planned)
    said = planned(command, "--list").out.partition("Users behind these figures")[2]
    names = re.findall(r"\d{12}/\S+", said)
    assert len(names) == len(set(names)) == sum(total(figures, name) for name in ("enrol", "cli", "nothing"))
    assert said.count("(no device)") == total(figures, "without_device")


# --- Apply: the figures of exactly those for whom it writes ---

SENTENCE = re.compile(
    r"(\d+) must enrol a device \((\d+) ha(?:s|ve) none\), (\d+) must change how they use the CLI, "
    r"(\d+) notices? nothing; (\d+) needs? no notice"
)


def asked(shell: Shell, *words: str) -> dict[str, dict[str, int]]:
    """The figures by wave as the question has them; without a terminal, nothing is written."""
    said = shell("apply", *words)
    assert 2 == said.code, said.err
    assert "nothing was written" in said.err
    waves = re.findall(r"  wave (\S+), (\d+) of \d+ users.*:\n +(.*)\n", said.err)
    found = {}
    for wave, users, sentence in waves:
        match = SENTENCE.match(sentence)
        assert match, sentence
        found[wave] = dict(zip(FIGURES, map(int, match.groups()), strict=True))
        assert int(users) == sum(found[wave][name] for name in ("enrol", "cli", "nothing"))
    return found


def in_one_wave(shell: Shell) -> Shell:
    settings = shell.folder / "rollout.yaml"
    text = re.sub(r"(?m)^waves:\n(  - .*\n)+", "waves: [{name: all}]\n", settings.read_text())
    settings.write_text(text)
    assert 0 == shell("plan", "--account", "444455556666", "--account", "012345678901").code
    assert 0 == shell("apply").code
    return shell


def enrol(sandbox: Sandbox, arn: str) -> None:
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    iam = client("iam", entered(sandbox.environment(), account))
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"{name}-phone")["VirtualMFADevice"]
    codes = two_codes(sandbox, device["Base32StringSeed"])
    iam.enable_mfa_device(UserName=name, SerialNumber=device["SerialNumber"], **codes)


def exempt(shell: Shell, arn: str) -> None:
    settings = shell.folder / "rollout.yaml"
    line = (
        f'exemptions:\n  - {{user: "{arn}", owner: o@example.com, reason: on leave, expires: 2027-01-31}}\n'
    )
    settings.write_text(settings.read_text().replace("exemptions:\n", line, 1))


# Takes some seconds: one organization goes the whole way, for each figure is about what happened before it.
@pytest.mark.slow
def test_the_question_has_the_figures_of_exactly_those_for_whom_the_run_writes(bare: Shell, sandbox: Sandbox):
    shell = in_one_wave(bare)
    planned = header_of(shell)
    assert planned == shell("apply", "--json").json["impact"], "what a rehearsal would enforce"

    assert planned == asked(shell, "--stage", "notify")
    told = shell("apply", "--stage", "notify", "--yes", "--json", "--list").json
    assert planned == told["impact"]
    without_notice = [one for one in told["affected"] if not one["needs_notice"]]
    assert (
        total(planned, "no_notice")
        == len(without_notice)
        == total(asked(shell, "--stage", "notify"), "nothing")
    )
    assert 0 == total(asked(shell, "--stage", "notify"), "enrol")

    too_early = asked(shell, "--stage", "enforce")
    assert (0, 0, total(planned, "nothing")) == tuple(
        total(too_early, name) for name in ("enrol", "cli", "nothing")
    )

    sandbox.advance(timedelta(days=15))
    lacking = [one["arn"] for one in told["affected"] if not one["has_device"] and one["impact"] == "enrol"]
    enrolled, enforced, released, exempted, *rest = lacking
    enrol(sandbox, enrolled)
    for arn in (enforced, released):
        said = shell("apply", "--stage", "enforce", "--user", arn, "--yes", "--json").json
        assert (1, 1) == (said["counts"]["enforced"], total(said["impact"], "without_device"))
    assert 0 == shell("release", "--user", released, "--reason", "INC-7", "--yes").code
    exempt(shell, exempted)

    question = asked(shell, "--stage", "enforce")
    assert total(planned, "without_device") - 4 == total(question, "without_device") == len(rest)
    done = shell("apply", "--stage", "enforce", "--yes", "--json").json
    assert question == done["impact"]
    assert sum(total(question, name) for name in ("enrol", "cli", "nothing")) == done["counts"]["enforced"]
    assert 0 == total(asked(shell, "--stage", "enforce"), "enrol")


def test_the_question_says_how_many_could_do_nothing_but_enrol(rehearsed: Shell, sandbox: Sandbox):
    rehearsed("apply", "--stage", "notify", "--yes")
    sandbox.advance(timedelta(days=15))
    said = rehearsed("apply", "--stage", "enforce")
    without_device = r"(\d+) users? ha\w+ no MFA device and will be able to do nothing but enrol one"
    number = header_of(rehearsed)["canary"]["without_device"]
    assert [str(number)] == re.findall(without_device, said.err)
    assert "gates.enrolment" in said.err
    gated = rehearsed("apply", "--stage", "enforce", env={"ROLLOUT_GATES__ENROLMENT": "1"})
    assert [str(number)] == re.findall(without_device, gated.err)
    assert "gates.enrolment" not in gated.err


def test_list_names_those_whom_the_question_is_about(rehearsed: Shell):
    said = rehearsed("apply", "--stage", "notify", "--account", "222233334444", "--list")
    names = re.findall(r"\d{12}/\S+", said.err)
    assert names == [name for name in names if name.startswith("222233334444/")]
    assert f", {len(names)} of {len(names)} users" in said.err


def test_each_account_is_read_once_before_the_question(rehearsed: Shell, sandbox: Sandbox):
    """The gate of enrolment and the figures share one reading."""
    rehearsed("apply", "--stage", "notify", "--yes")
    sandbox.advance(timedelta(days=15))
    with listening() as heard:
        rehearsed("apply", "--stage", "enforce", env={"ROLLOUT_GATES__ENROLMENT": "1"})
    reads = [line for line in heard if "GetAccountSummary" in line]
    waves = {one["wave"]: one for one in rehearsed("status", "--json", "--list").json}
    accounts = {one["arn"].split(":")[4] for one in waves["canary"]["affected"]}
    assert len(accounts) == len(reads)
