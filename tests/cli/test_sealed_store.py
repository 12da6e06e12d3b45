"""Whoever can write to the store, but not use its key, brings nobody under the policy, and keeps nobody in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import (
    Approved,
    Record,
    Released,
    ReleaseEnded,
    RunEnded,
    RunEnding,
    RunStarted,
    Told,
    WaveCarried,
)
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.files.private_files import FolderStore
from rollout.sandbox.serving.server import Sandbox
from rollout.store.filed_plan import FiledPlan
from rollout.store.folder.segments import FolderJournal
from rollout.store.formats.seals import Trust
from rollout.store.markers import StoredMarker
from rollout.store.plan_files import FolderPlans
from tests.cli.conftest import Kept
from tests.cli.shell import Shell, listening, writes
from tests.end_to_end.iam_state import denied_by_us
from tests.kill.organization import Size, describe, settings
from tests.security_page import FILES, is_file, not_listed
from tests.store.memory import parted
from tests.store.sealing import Told as Heard

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AGO = NOW - timedelta(days=15)
CISO = "arn:aws:sts::111122223333:assumed-role/Security/ciso"
EVIL = "20261109T090000Z-evil"
ALTERED = 6


@dataclass(frozen=True)
class Team:
    """One operator's folder, which is the store, and the key, which is outside of it."""

    shell: Shell
    key: Path

    def __call__(self, *words: str):
        return self.shell(*words)

    @property
    def folder(self) -> Path:
        return self.shell.folder

    @property
    def plan(self) -> FiledPlan:
        return FolderPlans(self.folder, trust=Trust(None, Heard())).load(None)

    def set_key(self, value: str) -> None:
        path = self.folder / "rollout.yaml"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("store_key:")]
        path.write_text("\n".join([*lines, f"store_key: {value}", ""]))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A small organization: what is tested here is where things are kept."""
    description = tmp_path_factory.mktemp("small") / "organization.json"
    describe(Size(accounts=2, users=7), description)
    with Sandbox.start(NOW, instance="sealed", description=description, ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def once(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kept]:
    """A store as it is planned, told, and enforced, each remembered with its organization."""
    folder = tmp_path_factory.mktemp("once")
    more = "rules: {max_exempt_percent: 20}\nstore: store\nstore_key: file:rollout.key\n"
    (folder / "rollout.yaml").write_text(settings(sandbox.organization_id, waves=1) + more)
    shell = Shell(folder, sandbox.environment())
    assert 0 == shell("init", "--store-key", "rollout.key").code
    found: dict[str, Kept] = {}
    for state, words in {
        "planned": ("plan",),
        "told": ("apply", "--stage", "notify", "--yes"),
        "enforced": ("apply", "--stage", "enforce", "--yes"),
    }.items():
        if state == "told":
            assert 0 == shell("apply").code
        if state == "enforced":
            sandbox.advance(timedelta(days=1))
        said = shell(*words)
        assert 0 == said.code, said.err
        copy = tmp_path_factory.mktemp(state)
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        found[state] = Kept.of(Shell(copy, shell.environment), sandbox)
    return found


@pytest.fixture
def team(request: pytest.FixtureRequest, once: dict[str, Kept], sandbox: Sandbox, tmp_path: Path) -> Team:
    """The store as it was in one state, planned unless a test asks for another."""
    state = getattr(request, "param", "planned")
    shell = once[state].again(tmp_path / "team", sandbox)
    return Team(Shell(shell.folder, shell.environment), shell.folder / "rollout.key")


@pytest.fixture
def store(team: Team) -> Path:
    return team.folder / "store"


def forge(store: Path, run: str, *records: Record) -> Path:
    """Write a segment as somebody does who has all of this code, but not the key."""
    journal = FolderJournal(store, run, Trust(None, Heard()))
    journal.append(*records)
    journal.close()
    return store / "journal" / f"{run}.jsonl"


def segments(store: Path) -> list[Path]:
    """The segments of the journal, oldest first: their names do not tell, for the clock stands still."""
    opened = {path: json.loads(path.read_bytes().splitlines()[0]) for path in (store / "journal").iterdir()}
    return sorted(opened, key=lambda path: int(opened[path]["number"]))


def kept(store: Path) -> dict[str, bytes]:
    """The record: journal, plans and markers."""
    return {
        str(path): path.read_bytes()
        for path in store.rglob("*.*")
        if path.is_file() and "locks" not in str(path)
    }


def forge_everything(team: Team, store: Path) -> Path:
    """Everybody was rehearsed, told long ago, and approved by the CISO."""
    plan = FolderPlans(store, trust=Trust(None, Heard())).load(None)
    header = plan.header
    entries = [entry for part in plan.accounts() for entry in part.entries if entry.wave]
    what = (header.organization_id, header.id, header.checksum)
    forge(
        store,
        f"{EVIL}0",
        RunStarted(f"{EVIL}0", AGO, *what, Stage.DRY_RUN, CISO, "0.1"),
        RunEnded(f"{EVIL}0", AGO, RunEnding.DONE),
    )
    return forge(
        store,
        EVIL,
        RunStarted(EVIL, AGO, *what, Stage.NOTIFY, CISO, "0.1"),
        *(
            Told(EVIL, AGO, entry.user, entry.wave, entry.address, entry.impact, NOW, Delivery.DELIVERED)
            for entry in entries
            if entry.impact
        ),
        *(WaveCarried(EVIL, AGO, wave, Stage.NOTIFY) for wave in header.waves),
        *(
            Approved(EVIL, AGO, header.organization_id, wave, header.checksum, "CAB-1", CISO)
            for wave in header.waves
        ),
        RunEnded(EVIL, AGO, RunEnding.DONE),
    )


def everybody_released(run: str, organization: str) -> tuple[RunStarted, Released]:
    started = RunStarted(run, NOW, organization, "", "", Stage.ENFORCE, CISO, "0.1", "release")
    return started, Released(run, NOW, ReleaseScope(everybody=True), None, "all is well", CISO)


def enforce(team: Team):
    return team("apply", "--stage", "enforce", "--yes")


# --- What brings people under the policy ---


def test_a_forged_segment_brings_nobody_under_the_policy_and_is_named(team: Team, store: Path):
    """They were never rehearsed, never told, and never approved."""
    evil = forge_everything(team, store)
    with listening() as heard:
        said = enforce(team)
    assert (ALTERED, []) == (said.code, writes(heard)), said.err
    assert (
        f"{evil.parent / f'{EVIL}0.jsonl'} is not sealed" in said.err or f"{evil} is not sealed" in said.err
    )

    status = team("status", "--json")
    assert ALTERED == status.code
    assert f"{evil} is not sealed" in status.err
    assert {0} == {wave["told"] for wave in status.json}


def test_without_a_key_the_same_segment_enforces_everybody(team: Team, store: Path):
    """What the key is for: this is what whoever can write to a store can do that has none."""
    team.set_key("null")
    shutil.rmtree(store / "plans")
    assert 0 == team("plan").code
    forge_everything(team, store)
    with listening() as heard:
        said = enforce(team)
    assert 0 == said.code, said.err
    assert [line for line in writes(heard) if "AddUserToGroup" in line], said.out + said.err


@pytest.mark.parametrize(
    "words",
    [
        ("apply",),
        ("apply", "--stage", "notify", "--yes"),
        ("plan",),
        ("verify", "--fix", "--yes"),
        ("release", "--all", "--end", "--yes"),
    ],
    ids=" ".join,
)
def test_nothing_that_leads_under_the_policy_goes_on_beside_a_forged_segment(
    team: Team, store: Path, words: tuple[str, ...], sandbox: Sandbox
):
    evil = forge(store, EVIL, *everybody_released(EVIL, sandbox.organization_id))
    before = kept(store)
    with listening() as heard:
        said = team(*words)
    assert (ALTERED, []) == (said.code, writes(heard)), said.err
    assert f"{evil} is not sealed" in said.errors[0]
    assert before == kept(store)


@pytest.mark.parametrize("team", ["told"], indirect=True)
@pytest.mark.parametrize("how", ["changed", "dropped", "appended", "replayed", "reordered"])
def test_no_line_of_a_sealed_segment_can_be_touched(team: Team, store: Path, how: str):
    path = segments(store)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    match how:
        case "changed":
            lines[1] = lines[1].replace(b"dry-run", b"enforce")
        case "dropped":
            del lines[1]
        case "appended":
            lines.append(lines[-1])
        case "replayed":
            lines = segments(store)[1].read_bytes().splitlines(keepends=True)
        case _:  # reordered
            lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"".join(lines))
    with listening() as heard:
        said = enforce(team)
    assert (ALTERED, []) == (said.code, writes(heard)), said.err
    assert f"{path}, line " in said.errors[0]


def test_a_forged_plan_is_refused_and_not_kept(team: Team, store: Path, sandbox: Sandbox):
    """It has every checksum that a plan needs."""
    plan = FolderPlans(store, trust=Trust(None, Heard())).load(None)
    accounts = tuple(plan.accounts())
    shutil.rmtree(store / "plans")
    forged = FolderPlans(store).save(*parted(plan.header, accounts))
    with listening() as heard:
        said = team("apply")
    assert (ALTERED, []) == (said.code, writes(heard)), said.err
    assert f"{forged.location} is not sealed" in said.errors[0]
    shown = team("show")
    assert ALTERED == shown.code
    assert f"{forged.location} is not sealed" in shown.err
    assert not (store / "journal").exists()

    sandbox.advance(timedelta(minutes=1))
    again = team("plan", "--json")
    assert (0, False) == (again.code, again.json["kept"]), again.err
    assert 0 == team("apply").code


def test_a_plan_that_is_sealed_is_kept_with_its_renewal(team: Team):
    again = team("plan", "--json")
    assert (0, True) == (again.code, again.json["kept"]), again.err
    assert b'"seal"' in next((team.folder / "store" / "plans").glob("*.renewed.json")).read_bytes()


def test_the_end_of_a_release_that_this_machine_saw_cannot_be_taken_back(
    team: Team, store: Path, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A release of people who are not enforced yet: nothing in AWS tells of it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert 0 == team("release", "--all", "--reason", "INC-7", "--yes").code
    [remembered] = (tmp_path / "state" / "rollout").iterdir()
    assert (0o600, 0o700) == (remembered.stat().st_mode & 0o777, remembered.parent.stat().st_mode & 0o777)
    shutil.rmtree(store / "journal")
    shutil.rmtree(store / ".rollout")
    with listening() as heard:
        said = team("apply")
    assert (ALTERED, []) == (said.code, writes(heard)), said.err
    assert f"is missing: this machine ({remembered}) saw it" in said.errors[0]
    remembered.unlink()
    assert 0 == team("apply").code


# --- What is shown ---


@pytest.mark.parametrize("team", ["enforced"], indirect=True)
@pytest.mark.parametrize("where", ["journal", "marker"])
def test_a_forged_release_of_everybody_hides_nobody_from_verify(
    team: Team, store: Path, sandbox: Sandbox, where: str
):
    honest = team("verify", "--json").json["users"]
    assert honest["placed"] == honest["enforced"] > 0
    started, released = everybody_released(EVIL, sandbox.organization_id)
    if where == "journal":
        evil = forge(store, EVIL, started, released)
    else:
        StoredMarker(FolderStore(store), sandbox.organization_id).add(released)
        evil = store / f".rollout/releases/{sandbox.organization_id}/{EVIL}.let-out.json"

    said = team("verify", "--json")
    assert ALTERED == said.code
    assert honest == said.json["users"]
    assert [f"{evil} is not sealed"] == said.json["not_trusted"]
    assert "find out who" in said.err
    assert ALTERED == enforce(team).code


@pytest.mark.parametrize("team", ["enforced"], indirect=True)
def test_a_forged_end_of_a_release_brings_nobody_back(team: Team, store: Path, sandbox: Sandbox):
    """With the true marker gone, too: the journal has the release."""
    assert 0 == team("release", "--all", "--reason", "INC-7", "--yes").code
    scope = ReleaseScope(everybody=True)
    StoredMarker(FolderStore(store), sandbox.organization_id).add(
        ReleaseEnded(EVIL, NOW, scope, "all is well", CISO)
    )
    with listening() as heard:
        said = enforce(team)
    assert (ALTERED, []) == (said.code, writes(heard)), said.err
    for marker in (store / ".rollout/releases" / sandbox.organization_id).iterdir():
        marker.unlink()
    with listening() as heard:
        said = enforce(team)
    assert (0, []) == (said.code, writes(heard)), said.err


# --- What lets people out ---


@pytest.mark.parametrize("team", ["enforced"], indirect=True)
@pytest.mark.parametrize("meddling", ["forged", "damaged", "gone", "no key", "key of others"])
@pytest.mark.parametrize(
    "words", [("release", "--all", "--reason", "INC-7"), ("rollback", "--all")], ids=" ".join
)
def test_everybody_can_be_let_out_whatever_became_of_the_record(
    team: Team, store: Path, sandbox: Sandbox, meddling: str, words: tuple[str, ...]
):
    evil = ""
    match meddling:
        case "forged":
            evil = str(forge(store, EVIL, *everybody_released(EVIL, sandbox.organization_id)))
        case "damaged":
            first = segments(store)[0]
            first.write_bytes(first.read_bytes().replace(b"dry-run", b"enforce", 1))
            evil = f"{first}, line 2"
        case "gone":
            first = segments(store)[0]
            first.unlink()
            evil = f"{first} is missing"
        case "no key":
            team.key.unlink()
            evil = f"the key file {team.key} cannot be read"
        case _:  # key of others
            team.key.chmod(0o644)
            evil = "its mode is 0644"
    said = team(*words, "--yes")
    assert 0 == said.code, said.err
    assert evil in said.err
    assert [] == denied_by_us(sandbox, "000000000001", "000000000002")


# --- Sealing what was there before ---


def test_a_store_from_before_the_key_is_sealed_after_it_was_shown(team: Team, store: Path, sandbox: Sandbox):
    """And goes on with its rehearsal and its notices."""
    shutil.rmtree(store)
    team.set_key("null")
    for words in (("plan",), ("apply",), ("apply", "--stage", "notify", "--yes")):
        assert 0 == team(*words).code
    assert 2 == team("seal").code
    team.set_key("file:rollout.key")
    with listening() as heard:
        refused = enforce(team)
    assert (ALTERED, []) == (refused.code, writes(heard))

    sandbox.advance(timedelta(days=1))
    asked = team("seal")
    assert 2 == asked.code
    assert "apply --stage notify" in asked.out
    assert " Told" in asked.out
    assert "About to seal 2 runs, 1 plan," in asked.err
    assert ALTERED == enforce(team).code

    assert 0 == team("seal", "--yes").code
    assert "Everything in the store is sealed." in team("seal").out
    said = enforce(team)
    assert 0 == said.code, said.err
    assert "enforced now" in said.out


def test_what_nobody_knows_can_be_moved_out_of_the_store(team: Team, store: Path, sandbox: Sandbox):
    evil = forge(store, EVIL, *everybody_released(EVIL, sandbox.organization_id))
    assert 0 == team("release", "--all", "--reason", "INC-7", "--yes").code
    evil.rename(team.folder / "evidence.jsonl")
    said = team("status")
    assert 0 == said.code, said.err


def test_a_marker_that_the_journal_does_not_know_stays_unsealed(team: Team, store: Path, sandbox: Sandbox):
    _, released = everybody_released(EVIL, sandbox.organization_id)
    StoredMarker(FolderStore(store), sandbox.organization_id).add(released)
    said = team("seal", "--yes")
    assert ALTERED == said.code
    assert "Not sealed, for the journal knows no such release: Released everybody: all is well" in said.err
    assert ALTERED == team("apply").code


# --- The key file ---


def test_a_key_is_made_once_and_for_its_owner_alone(team: Team):
    assert 0o600 == team.key.stat().st_mode & 0o777
    before = team.key.read_bytes()
    said = team("init", "--store-key", "rollout.key")
    assert 1 == said.code
    assert "already exists" in said.errors[0]
    assert before == team.key.read_bytes()


def test_a_new_settings_file_names_its_new_key(team: Team, tmp_path: Path):
    folder = tmp_path / "new"
    folder.mkdir()
    said = team("init", "--folder", str(folder), "--store-key", str(tmp_path / "new.key"))
    assert 0 == said.code, said.err
    assert f'store_key: "file:{tmp_path}/new.key"' in (folder / "rollout.yaml").read_text()


@pytest.mark.parametrize(
    ("meddle", "says", "cure"),
    [
        (lambda team: team.key.chmod(0o640), "can be used by others: its mode is 0640", "chmod 600"),
        (lambda team: team.key.write_text("secret"), "is not a key file of rollout", "init --store-key"),
        (lambda team: team.key.unlink(), "cannot be read: No such file", "correct store_key"),
        (
            lambda team: (team.key.rename(team.folder / "store/key"), team.set_key("file:store/key")),
            "lies in the store",
            "move it to a folder",
        ),
        (
            lambda team: (team.key.rename(team.folder / "k"), team.key.mkdir()),
            "is not a file",
            "correct store_key",
        ),
    ],
    ids=["open to others", "no key", "gone", "in the store", "a folder"],
)
def test_a_key_file_that_protects_nothing_is_refused(team: Team, meddle, says: str, cure: str):
    meddle(team)
    with listening() as heard:
        said = team("apply")
    assert (1, []) == (said.code, writes(heard)), said.err
    assert says in said.errors[0]
    assert cure in said.errors[1]


def test_a_key_needs_an_organization(team: Team):
    path = team.folder / "rollout.yaml"
    text = path.read_text()
    path.write_text("\n".join(line for line in text.splitlines() if not line.startswith("organization:")))
    said = team("plan")
    assert 2 == said.code
    assert "store_key: needs `organization`" in said.err


@pytest.mark.parametrize("team", ["enforced"], indirect=True)
def test_every_file_that_is_kept_is_in_the_table_of_the_security_page(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What it says of how long, a test cannot know."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for words in (("plan",), ("plan",), ("report",), ("release", "--all", "--reason", "INC-7", "--yes")):
        assert 0 == team(*words).code
    team.key.unlink()
    (team.folder / "rollout.yaml").unlink()
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}

    assert [] == not_listed(files)
    found = {pattern for pattern in FILES for path in files if is_file(pattern, path)}
    assert {
        "plans/<date>-<id>.renewed.json",
        "journal/<run>.jsonl",
        "reports/<plan>/index.html",
        ".rollout/releases/<organization>/<run>.let-out.json",
        "<address>-<digest>.eml",
    } <= found
