"""`release`, `rollback`, `verify` and `unlock` as a person types them: what they refuse, ask, say, and leave with."""

from __future__ import annotations

import json
import os
import platform
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rollout.domain.drift import Drifted
from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import AddMember
from rollout.domain.progress.records import EnforcementSeen, Record, Released, RunStarted
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Kind
from rollout.files.private_files import FolderStore
from rollout.sandbox.serving.server import Sandbox
from rollout.store.folder.segments import FolderJournal
from rollout.store.formats.journal_lines import line_of
from rollout.store.plan_files import Plans
from rollout.store.processes import process_start
from tests.builders import OPERATOR, a_change, a_ref
from tests.cli.shell import ROOT, Shell, listening, writes
from tests.interventions import at_call

ACCOUNT = "444455556666"
DRIFT, IN_PART, REFUSED = 3, 4, 5


# --- Wrong usage ---


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("release", "--reason", "x"), "exactly one of --user, --wave, --account and --all"),
        (("release", "--all", "--wave", "rest", "--reason", "x"), "exactly one of"),
        (("release", "--all"), "release needs --reason"),
        (("release", "--all", "--reason", "x", "--for", "4 hours"), "--for: "),
        (("release", "--all", "--reason", "x", "--for", "0h"), "--for 0 releases nobody"),
        (("release", "--all", "--end", "--for", "4h"), "--end and --for cannot be combined"),
        (("release", "--wave", "nobody", "--reason", "x"), 'the journal has no wave "nobody"'),
        (("release", "--user", "zoe", "--reason", "x"), "no user matches --user"),
        (("release", "--account", "prod-*", "--reason", "x"), "no account matches prod-*"),
        (("rollback",), "select what to undo: either --all, or any of --plan, --wave, --account and --user"),
        (("rollback", "--all", "--wave", "rest"), "select what to undo: either --all, or any of"),
        (("rollback", "--wave", "rest"), "the journal has no change that matches"),
        (("rollback", "--plan", "k3f9"), 'the journal has no plan "k3f9"'),
        (("verify", "one", "two"), "verify takes one plan"),
        (("verify", "memberships"), "memberships"),
    ],
)
def test_wrong_usage_is_refused_with_a_cure_and_nothing_is_written(planned: Shell, words, says):
    with listening() as heard:
        said = planned(*words, "--yes") if words[0] != "verify" else planned(*words)
    assert said.code in (1, 2), said.err
    assert says in said.err
    assert "Cure: " in said.err
    assert [] == writes(heard)
    assert not (planned.folder / "journal").exists()


@pytest.mark.parametrize("words", [("release", "--all", "--reason", "drill"), ("release", "--all", "--end")])
def test_without_a_terminal_and_without_yes_nothing_is_written(planned: Shell, words):
    with listening() as heard:
        said = planned(*words)
    assert 2 == said.code
    assert "everybody" in said.err
    assert "add --yes" in said.err
    assert [] == writes(heard)


# --- Release ---


def test_where_nothing_stands_the_brake_says_so(planned: Shell):
    said = planned("release", "--account", ACCOUNT, "--reason", "drill", "--yes", "--json")
    assert 0 == said.code, said.err
    assert 0 == said.json["writes"]
    assert [{"account": ACCOUNT, "brake_was": "absent", "writes": 0, "failed": []}] == said.json["accounts"]


def test_a_rehearsal_asks_nothing_and_puts_nothing(planned: Shell):
    said = planned("release", "--account", ACCOUNT, "--reason", "drill", "--dry-run")
    assert 0 == said.code, said.err
    assert f"account {ACCOUNT}: would be released with 0 writes." in said.out
    assert not (planned.folder / ".rollout" / "releases").exists()


def test_a_release_is_found_by_runs_on_the_same_store(planned: Shell, sandbox: Sandbox):
    said = planned("release", "--account", ACCOUNT, "--reason", "drill", "--for", "4h", "--yes")
    assert 0 == said.code, said.err
    assert "The release ends automatically at 2026-11-24 13:00 UTC." in said.out
    folder = planned.folder / ".rollout" / "releases" / sandbox.organization_id
    (marker,) = folder.iterdir()
    word = json.loads(marker.read_text())
    assert ("Released", [ACCOUNT], "drill") == (
        word["type"],
        word["release_scope"]["accounts"],
        word["reason"],
    )


def test_a_journal_that_cannot_be_read_stops_no_brake(planned: Shell):
    journal = planned.folder / "journal"
    journal.mkdir()
    (journal / "broken.jsonl").write_text('{"type": "Released", "at": "2026-11-24T09:00:00Z"\n{}\n{}\n')
    said = planned("release", "--account", ACCOUNT, "--reason", "drill", "--yes")
    assert 0 == said.code, said.err
    assert "not trusted, and left out: " in said.err


@pytest.mark.parametrize(("words", "code"), [(("--account", ACCOUNT), 0), (("--all",), IN_PART)])
def test_a_damaged_journal_stops_no_brake_and_has_it_on_record_when_it_is_mended(
    planned: Shell, words: tuple[str, ...], code: int
):
    """One account of the organization lets nobody in, so all of it is let out in part."""
    assert 0 == planned("release", "--account", ACCOUNT, "--reason", "first", "--yes").code
    (path,) = (planned.folder / "journal").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"first"', b'"worst"'))
    refused = planned("status")
    assert (1, True) == (refused.code, f"{path.name}, line 3 is damaged" in refused.err), refused.err
    said = planned("release", *words, "--reason", "second", "--yes")
    assert code == said.code, said.err
    assert "not trusted, and left out: " in said.err
    assert f"{path.name}, line 3 is damaged" in said.err
    path.write_bytes(whole)
    reasons = [
        record.reason
        for record in FolderJournal(planned.folder, "look").records()
        if isinstance(record, Released)
    ]
    assert ["first", "second"] == reasons


def test_a_typo_in_the_settings_stops_no_brake(planned: Shell):
    settings = planned.folder / "rollout.yaml"
    settings.write_text(f"{settings.read_text()}\nrulez: {{}}\n")
    assert 2 == planned("plan").code
    said = planned("release", "--account", ACCOUNT, "--reason", "drill", "--yes")
    assert 0 == said.code, said.err
    assert "rulez" in said.err
    assert (planned.folder / "journal").exists()


def test_a_bucket_that_is_not_there_stops_no_brake(planned: Shell):
    settings = planned.folder / "rollout.yaml"
    settings.write_text(
        settings.read_text().replace("store: .", "store: s3://there-is-no-such-bucket/rollout")
    )
    release = ("release", "--account", ACCOUNT, "--reason", "drill", "--yes")
    said = planned(*release)
    assert 0 == said.code, said.err
    assert "This release was not recorded" in said.err
    refused = planned(*release, "--for", "4h")
    assert REFUSED == refused.code
    assert "ends only if it is recorded" in refused.err


def test_settings_that_are_no_yaml_stop_no_brake(planned: Shell):
    (planned.folder / "rollout.yaml").write_text("policy: [")
    said = planned("release", "--account", ACCOUNT, "--reason", "drill", "--yes")
    assert 0 == said.code, said.err
    assert "left at their defaults" in said.err


# --- Rollback ---


def of_this_organization(sandbox: Sandbox, at: str, *records: Record) -> bytes:
    moment = datetime.fromisoformat(at)
    started = RunStarted(
        "run-1", moment, sandbox.organization_id, "k3f9", "", Stage.ENFORCE, OPERATOR, "1.0.0"
    )
    return b"".join(line_of(record) for record in (started, *records))


def test_what_is_gone_is_left_out_and_the_rest_is_no_trouble(planned: Shell, sandbox: Sandbox):
    """The journal says that somebody was put into a group of an account where neither is to be found."""
    change = AddMember(ACCOUNT, "ForceMFA", a_ref("nobody", ACCOUNT))
    (planned.folder / "journal").mkdir()
    text = of_this_organization(sandbox, "2026-11-20T09:00:00+00:00", *a_change(change))
    (planned.folder / "journal" / "run-1.jsonl").write_bytes(text)
    with listening() as heard:
        said = planned("rollback", "--all", "--yes")
    assert 0 == said.code, said.err
    assert "undo the enforcement or enrolment rights of up to 1 user," in said.err
    assert [] == writes(heard)


def somebody(planned: Shell) -> UserRef:
    """A user of the account whom the plan enforces."""
    stored = Plans(FolderStore(planned.folder)).load(None)
    (part,) = [part for part in stored.accounts() if part.account_id == ACCOUNT]
    return next(entry.user for entry in part.entries if entry.verdict is Kind.ENFORCE)


# --- Verify ---


def test_before_anything_was_done_only_unreachable_accounts_are_told(planned: Shell):
    said = planned("verify", "--json")
    assert IN_PART == said.code, said.err
    users = said.json["users"]
    assert (0, 0, 0, []) == (users["placed"], users["enforced"], users["missing"], users["released"])
    assert [] == said.json["drift"]
    assert said.json["unreachable"]


def test_one_account_alone_is_clean(planned: Shell):
    said = planned("verify", "--account", ACCOUNT)
    assert 0 == said.code, said.err
    placed = "Of 0 users whom rollout placed under the policy, 0 are enforced in fact, 0 are released, 0 are missing."
    assert placed in said.out
    assert "0 differences in 1 account." in said.out


def test_without_a_plan_there_is_nothing_to_compare_with(bare: Shell):
    said = bare("verify")
    assert 1 == said.code
    assert "rollout plan" in said.err


def test_drift_is_said_with_cause_and_cure_and_code_3(planned: Shell, sandbox: Sandbox):
    """The journal says that somebody was enforced who is under nothing: taken out by hand."""
    user = somebody(planned)
    change = AddMember(ACCOUNT, "ForceMFA", user)
    (planned.folder / "journal").mkdir()
    text = of_this_organization(sandbox, "2026-11-20T09:00:00+00:00", *a_change(change))
    (planned.folder / "journal" / "run-1.jsonl").write_bytes(text)
    said = planned("verify", "--account", ACCOUNT)
    assert DRIFT == said.code, said.err
    assert "membership-removed" in said.out
    assert f"rollout release --user {user.arn} --end" in said.out
    fixed = planned("verify", "--fix", "--account", ACCOUNT)
    assert 2 == fixed.code
    assert "1 difference found" in fixed.err


def test_the_numbers_say_who_was_released_by_whom_and_how_that_is_known(planned: Shell, sandbox: Sandbox):
    change = AddMember(ACCOUNT, "ForceMFA", somebody(planned))
    (planned.folder / "journal").mkdir()
    at = datetime.fromisoformat("2026-11-20T09:00:00+00:00")
    word = Released("run-1", at, ReleaseScope(everybody=True), None, "drill", OPERATOR)
    text = of_this_organization(sandbox, at.isoformat(), *a_change(change), word)
    (planned.folder / "journal" / "run-1.jsonl").write_bytes(text)
    said = planned("verify", "--account", ACCOUNT)
    assert 0 == said.code, said.err
    assert (
        "Of 1 user whom rollout placed under the policy, 0 are enforced in fact, 1 is released, 0 are missing."
        in (said.out)
    )
    assert (
        f"1 released by {OPERATOR}; known because: neither in the group nor with the policy attached"
        in said.out
    )
    (released,) = planned("verify", "--account", ACCOUNT, "--json").json["users"]["released"]
    assert {"by": OPERATOR, "until": None, "users": 1} == {
        name: released[name] for name in ("by", "until", "users")
    }


# --- Unlock ---


@pytest.fixture
def locked(planned: Shell, sandbox: Sandbox) -> Path:
    path = planned.folder / ".rollout" / "locks" / f"{sandbox.organization_id}.lock"
    path.parent.mkdir(parents=True, mode=0o700)
    holder = {
        "owner": "ana",
        "host": "laptop",
        "pid": 4242,
        "process_start": "",
        "since": "2026-11-24T08:00:00+00:00",
        "purpose": "apply --stage enforce",
        "token": "t",
    }
    path.write_text(json.dumps(holder))
    path.chmod(0o600)
    return path


def test_a_stale_lock_is_taken_after_saying_whose_it_is(planned: Shell, locked: Path):
    said = planned("unlock", "--yes")
    assert 0 == said.code, said.err
    whose = "ana on laptop (process 4242) since 2026-11-24 08:00 UTC for `apply --stage enforce`"
    assert f"is held by {whose}." in said.err
    assert f"Removed the lock of {whose}." in said.out
    assert not locked.exists()


def test_nobody_to_ask_and_no_yes_leaves_the_lock(planned: Shell, locked: Path):
    said = planned("unlock")
    assert 2 == said.code
    assert locked.exists()


def test_a_lock_whose_run_is_alive_on_this_machine_is_said_to_be(planned: Shell, locked: Path):
    """This very process holds it: taking it away is asked about once more."""
    holder = json.loads(locked.read_text())
    here = {"host": platform.node(), "pid": os.getpid(), "process_start": process_start(os.getpid())}
    locked.write_text(json.dumps(holder | here))
    said = planned("unlock", "--yes")
    assert 0 == said.code, said.err
    assert f"Process {os.getpid()} is still running on this machine." in said.err
    assert not locked.exists()


def test_without_a_lock_there_is_nothing_to_take(planned: Shell):
    said = planned("unlock")
    assert 0 == said.code, said.err
    assert "Nobody holds the lock of organization" in said.out


def test_what_a_release_does_not_wait_for_an_end_does(planned: Shell, locked: Path):
    released = planned("release", "--account", ACCOUNT, "--reason", "drill", "--dry-run")
    assert 0 == released.code, released.err
    ended = planned("release", "--account", ACCOUNT, "--end", "--yes")
    assert REFUSED == ended.code
    assert "is locked by ana on laptop" in ended.err
    rolled_back = planned("rollback", "--all", "--yes")
    assert 2 == rolled_back.code  # nothing was ever done: said before the lock is asked for
    assert locked.exists()


def test_every_kind_of_drift_is_explained():
    page = (ROOT / "docs" / "undoing.md").read_text()
    assert [] == [str(kind) for kind in Drifted if f"`{kind}`" not in page]


def test_a_fix_settles_what_a_dead_fix_left_open_also_where_nothing_is_to_be_repaired(
    told: Shell, sandbox: Sandbox
):
    """Its last write had its effect: AWS is as it is to be, and the journal alone does not know."""
    there = {"ROLLOUT_EXEMPTIONS": "[]"}
    sandbox.advance(timedelta(days=15))
    who = ("--user", "*/adam.kowalski")
    assert 0 == told("apply", "--stage", "enforce", *who, "--yes", env=there).code
    assert 0 == told("release", *who, "--for", "1h", "--reason", "INC-7", "--yes", env=there).code
    sandbox.advance(timedelta(hours=2))
    fix = ("verify", "--account", ACCOUNT, "--fix", "--yes", "--json")
    assert ["AddMember"] == told(*fix, env=there).json["fixed"][0]["writes"]
    for path in (told.folder / "journal").iterdir():
        written = path.read_bytes()
        if b'"verify --fix"' in written:
            ends = written.index(b"\n", written.index(b'"Intent"')) + 1
            path.write_bytes(written[:ends])
    with listening() as heard:
        told(*fix, env=there)
    assert [] == writes(heard)
    progress = FolderJournal(told.folder, "look").progress(sandbox.organization_id)
    assert () == progress.open
    assert ["adam.kowalski"] == [one.user.name for one in progress.placed.values()]


ADAM = f"arn:aws:iam::{ACCOUNT}:user/adam.kowalski"
OUR_POLICY = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"


def cut_after_its_intent(shell: Shell, command: bytes) -> None:
    """Leave the journal of a command as if it had died right after its last write to AWS."""
    for path in (shell.folder / "journal").iterdir():
        written = path.read_bytes()
        if command in written and b'"Intent"' in written:
            path.write_bytes(written[: written.index(b"\n", written.rindex(b'"type":"Intent"')) + 1])


@pytest.mark.parametrize(
    ("words", "command", "write", "about", "seen"),
    [
        (("apply", "--stage", "enforce"), b'"stage":"enforce"', "AddMember", ADAM, ["enforced"]),
        (("release", "--reason", "INC-7"), b'"release"', "RemoveMember", ADAM, ["released"]),
        (("rollback",), b'"rollback"', "DeletePolicy", OUR_POLICY, []),
    ],
)
def test_a_write_of_a_run_that_died_is_not_taken_for_somebody_elses(
    told: Shell,
    sandbox: Sandbox,
    words: tuple[str, ...],
    command: bytes,
    write: str,
    about: str,
    seen: list[str],
):
    """Nobody has put a foreign member into the group, nor taken anybody out by hand."""
    there = {"ROLLOUT_EXEMPTIONS": "[]"}
    sandbox.advance(timedelta(days=15))
    who = ("--user", ADAM)
    assert 0 == told("apply", "--stage", "enforce", *who, "--yes", env=there).code
    if words[0] != "apply":
        assert 0 == told(*words, *who, "--yes", env=there).code
    cut_after_its_intent(told, command)

    look = ("verify", "--account", ACCOUNT, "--json")
    said = told(*look, env=there)
    assert DRIFT == said.code
    (drift,) = said.json["drift"]
    assert ("unsettled-write", about) == (drift["kind"], drift["who"])
    assert f"whose outcome is not on record: {write} by run 2026" in drift["text"]
    assert "rollout verify --fix, or the next rollout apply or rollback" in drift["cure"]
    records = FolderJournal(told.folder, "look").records()
    assert seen == [one.enforcement for one in records if isinstance(one, EnforcementSeen)]

    fixed = told(*look, "--fix", "--yes", env=there)
    assert (0, []) == (fixed.code, fixed.json["drift"]), fixed.err
    assert () == FolderJournal(told.folder, "look").progress(sandbox.organization_id).open


def test_what_a_run_does_while_verify_reads_is_not_taken_for_somebodys_hand(told: Shell, sandbox: Sandbox):
    """A user enforced after their account was read was journalled as taken out by hand, which lets them out.

    It takes seconds, for the run is in a process of its own.
    """
    there = {"ROLLOUT_EXEMPTIONS": "[]"}
    sandbox.advance(timedelta(days=15))
    apply = ("apply", "--stage", "enforce", "--user", ADAM, "--yes")
    ran: list[int] = []
    with at_call(
        sandbox,
        "GetAccountPasswordPolicy",
        do=lambda: ran.append(told.really(*apply, ROLLOUT_EXEMPTIONS="[]").code),
    ):
        said = told("verify", "--account", ACCOUNT, "--json", env=there)
    assert ([0], 0, []) == (ran, said.code, said.json["drift"]), said.err
    assert (1, 1) == (said.json["users"]["placed"], said.json["users"]["enforced"])
    assert not [
        one for one in FolderJournal(told.folder, "look").records() if isinstance(one, EnforcementSeen)
    ]
