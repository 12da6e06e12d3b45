"""`rollout demo` as a newcomer meets it, once, and what is left of it afterwards."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.shell import ROOT, Said, Shell, hear_ctrl_c
from tests.end_to_end.iam_state import Onlooker

pytestmark = pytest.mark.slow  # a whole rollout over thirteen accounts, once

STEPS = (
    "Start an AWS organization with 13 accounts and about 150 users on this machine",
    "Read every account, judge every user, and write a plan. Nothing is written to AWS",
    "Rehearse the whole plan, with real reads but no writes",
    "Prove the policy in one account, as throw-away users with their own keys and MFA devices",
    'Notify the users of wave "canary": what will happen, and from which day',
    "Try to enforce now: it is too early, so affected users wait for their announced date",
    'Move the organization\'s clock forward by 15 days, then enforce wave "canary"',
    'Move the organization\'s clock forward by 3 days, then enforce wave "rest"',
    "Enforce once more: nothing is left to do, so nothing is written",
    "Check in AWS itself that everybody who should be enforced is enforced",
    "Show the status, and write the report",
)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A work tree that ignores what this one ignores."""
    folder = tmp_path_factory.mktemp("work tree")
    shutil.copy(ROOT / ".gitignore", folder)
    for words in (["init", "--quiet"], ["add", ".gitignore"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return Shell(folder, {})


@pytest.fixture(scope="module")
def demo(shell: Shell) -> Iterator[Said]:
    """One demo for all of them; the organization stays up until the last test."""
    try:
        yield shell("demo", "--keep")
    finally:
        # The organization is a child of this process, and its stop waits until somebody has taken note of its end.
        pid = json.loads((shell.folder / ".rollout" / "sandbox.json").read_text())["pid"]
        Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()
        shell("sandbox", "stop")


@pytest.fixture(scope="module")
def exports(demo: Said) -> str:
    lines = [line for line in demo.out.splitlines() if line.startswith(("export ", "unset "))]
    return "\n".join(lines) + "\n"


def test_it_ends_well_and_tells_each_step(demo: Said):
    assert 0 == demo.code, demo.err
    places = [demo.out.index(f"==> {step}") for step in STEPS]
    assert sorted(places) == places
    for verdict, users in (("exempt", 3), ("covered", 6), ("hold", 51), ("enforce", 91)):
        assert re.search(rf"^{verdict} +{users}$", demo.out, re.MULTILINE)
    placed = "Of 91 users whom rollout placed under the policy, 91 are enforced in fact, 0 are released, 0 are missing."
    assert placed in demo.out
    assert "0 differences in 10 accounts." in demo.out
    assert "Done: all 91 users due for enforcement were notified in time and are enforced." in demo.out
    assert "Traceback" not in demo.err


def test_it_proves_the_policy_and_removes_what_that_took(demo: Said, shell: Shell):
    """Our own evaluator answers as AWS here, so this shows the mechanics."""
    assert re.search(r"^attach and deny +12 agreed", demo.out, re.MULTILINE)
    assert "Everything was removed." in demo.out
    (record,) = (shell.folder / "proofs").glob("*.json")
    answers = json.loads(record.read_text())["answers"]
    assert {"agreed", "could not be asked", "not tried"} >= {one["agreement"] for one in answers}


def test_it_names_a_report_that_is_there(demo: Said):
    place = re.search(r"^Open the report in a browser: (.*)$", demo.out, re.MULTILINE)
    assert place
    assert "<html" in Path(place.group(1)).read_text()


def test_the_exports_work_when_pasted_into_sh(exports: str, shell: Shell):
    script = f'{exports}rollout() {{ {shlex.quote(sys.executable)} -m rollout "$@"; }}\nrollout status --json'
    clean = {name: value for name, value in shell.outside().items() if not name.startswith("AWS_")}
    pasted = subprocess.run(
        ["sh", "-eu", "-c", script], cwd="/", env=clean, capture_output=True, text=True, check=True
    )
    assert '"done"' in pasted.stdout
    assert pasted.stdout.count('"wave"') == 3


def test_in_aws_itself_everybody_to_be_enforced_is_and_nobody_else(exports: str, shell: Shell):
    variables = dict(
        shlex.split(line)[1].split("=", 1) for line in exports.splitlines() if line.startswith("export")
    )
    (users_csv,) = shell.folder.glob("reports/*/users.csv")
    with users_csv.open(newline="") as file:
        verdicts = {
            (row["account_id"], row["user_arn"].rpartition("/")[2]): row["verdict"]
            for row in csv.DictReader(file)
        }
    found = set()
    for account, details in Onlooker(variables).details().items():
        groups = [group for group in details["GroupDetailList"] if group["Path"] == "/rollout/"]
        holding = {
            group["GroupName"]
            for group in groups
            if any(policy["PolicyName"] == "ForceMFA" for policy in group["AttachedManagedPolicies"])
        }
        ours = f"arn:aws:iam::{account}:policy/rollout/ForceMFA"
        found |= {
            (account, user["UserName"])
            for user in details["UserDetailList"]
            if holding & set(user["GroupList"])
            or ours in {policy["PolicyArn"] for policy in user["AttachedManagedPolicies"]}
        }
    assert {who for who, verdict in verdicts.items() if verdict == "enforce"} == found


def test_the_work_tree_stays_clean(demo: Said, shell: Shell):
    status = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"],
        cwd=shell.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ["A  .gitignore"] == status.stdout.splitlines()


def test_a_demo_that_is_interrupted_leaves_no_organization_behind(tmp_path: Path):
    shell = Shell(tmp_path, {})
    process = subprocess.Popen(
        [sys.executable, "-m", "rollout", "demo"],
        cwd=tmp_path,
        env=shell.outside(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - it does no more than that
    )
    state = tmp_path / ".rollout" / "sandbox.json"
    deadline = time.monotonic() + 60
    while not state.exists() or "pid" not in state.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    pid = int(re.search(r'"pid": (\d+)', state.read_text()).group(1))  # type: ignore[union-attr]  # no match fails the test
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert 130 == process.returncode
    assert "Traceback" not in err
    assert not state.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
