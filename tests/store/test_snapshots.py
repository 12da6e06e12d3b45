"""Snapshots of what the journal comes to: they save time, and change nothing."""

from __future__ import annotations

import gzip
import json
import logging
import stat
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.policy.changes import CreatePolicy
from rollout.domain.progress.projection import Progress, Projection, replay
from rollout.domain.progress.records import Record, RunStarted
from rollout.errors import JournalDamaged, RecordAltered, Unwritable
from rollout.files.private_files import FolderStore
from rollout.store.folder.segments import FolderJournal
from rollout.store.formats import journal_progress, snapshot
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.journal_progress import progress_of
from rollout.store.formats.journal_reading import records_of
from rollout.store.formats.new_segment import NewSegment
from rollout.store.formats.seals import Trust
from rollout.store.formats.snapshot import cover_of, read_cover, read_projection, snapshot_bytes
from rollout.store.snapshots import StoredSnapshots
from tests.builders import (
    ACCOUNT,
    NOW,
    ORGANIZATION,
    POLICY,
    a_change,
    a_membership,
    a_ref,
    a_run,
    a_told,
    an_approval,
    an_end,
    an_intent,
)
from tests.store import strategies
from tests.store.bucket import BucketServer
from tests.store.memory import MemoryFiles
from tests.store.places import BucketPlace, FolderPlace, Place
from tests.store.sealing import Told as Heard
from tests.store.sealing import lenient, sealed
from tests.store.test_journal_chain import Kept

NAME = f".rollout/snapshots/{ORGANIZATION}.snapshot"
USERS = [a_ref(name) for name in ("alice", "bob", "carol")]
RUNS = ["run-1", "run-2", "run-3"]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a snapshot for a handful of lines."""
    monkeypatch.setattr(journal_progress, "ENOUGH_LINES", 4)


# --- What is read is what was folded ---


def of_ours(record: Any, run: str, user: int, number: int, of: str) -> Any:
    """Let a record drawn at random be about a few runs and users, so that records have to do with each other."""
    known: dict[str, Any] = {"run": run, "organization_id": ORGANIZATION, "user": USERS[user], "of": of}
    known |= {"number": number}
    there = {one.name for one in fields(record)}
    record = replace(record, **{name: value for name, value in known.items() if name in there})
    change: Any = getattr(record, "change", None)
    return replace(record, change=replace(change, user=USERS[user])) if hasattr(change, "user") else record


some_of_ours = st.builds(
    of_ours,
    strategies.some_records.filter(lambda record: not isinstance(record, RunStarted)),
    st.sampled_from(RUNS),
    st.integers(0, 2),
    st.integers(1, 3),
    st.sampled_from(RUNS),
)


def copied(projection: Projection) -> Projection:
    """What comes of a projection that is written and read."""
    stream = BytesIO(b"".join(snapshot_bytes(cover_of(ORGANIZATION, (), None), projection, None)))
    cover = read_cover(stream, ORGANIZATION, None)
    stream.seek(0)
    return read_projection(stream, cover)


@given(st.lists(some_of_ours, max_size=20), st.integers(0, 20))
def test_going_on_from_anywhere_is_the_same_as_reading_all(records: list[Record], cut: int):
    begun: list[Record] = [a_run(run) for run in RUNS]
    before, after = [*begun, *records[:cut]], records[cut:]

    gone_on = copied(Projection(ORGANIZATION).all(before)).all(after)

    assert Projection(ORGANIZATION).all([*before, *after]) == gone_on


def test_a_document_is_kept_once_however_many_accounts_have_it():
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    records: list[Record] = [a_run()]
    for number in range(1, 4):
        policy = POLICY.replace(ACCOUNT, f"{number:012d}")
        change = CreatePolicy(f"{number:012d}", policy, "ForceMFA", "/rollout/", dict(document), {})
        records += a_change(change, number=number)

    kept = copied(Projection(ORGANIZATION).all(records)).progress.owned.of(CreatePolicy)

    documents = [done.intent.change.document for done in kept if isinstance(done.intent.change, CreatePolicy)]
    assert [document] * 3 == documents
    assert 1 == len({id(one) for one in documents})


# --- A journal that grows ---


@dataclass
class Store:
    """Runs that write side by side in memory, and what they have written; each reading may leave a snapshot."""

    trust: Trust = field(default_factory=Trust)
    segments: dict[str, Kept] = field(default_factory=dict)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    writers: dict[str, NewSegment] = field(default_factory=dict)

    def write(self, run: str, *records: Record) -> None:
        if run not in self.writers:
            self.writers[run] = NewSegment(run, self.look, self.trust)
        data = self.writers[run].spell([line_of(record) for record in records])
        self.segments.setdefault(run, Kept(run, b"")).content += data

    def look(self) -> list[Kept]:
        return list(self.segments.values())

    def whole_run(self, run: str, *records: Record) -> None:
        self.write(run, a_run(run), *records, an_end(run=run))

    def progress(self, trust: Trust | None = None) -> Progress:
        """What a command finds, with the help of a snapshot."""
        snapshots = StoredSnapshots(self.files)
        return progress_of(self.look, str, trust or self.trust, ORGANIZATION, snapshots).progress

    def replayed(self) -> Progress:
        """The same, without one."""
        return replay(records_of(self.look, str, self.trust), ORGANIZATION)

    @property
    def covered(self) -> list[str]:
        """The runs that went into the snapshot."""
        if NAME not in self.files.kept:
            return []
        cover = read_cover(BytesIO(self.files.kept[NAME]), ORGANIZATION, self.trust.seals)
        return [one.run for one in cover.segments]


def messages(run: str, count: int = 3) -> list[Record]:
    return [a_told(name, run=run) for name in ("alice", "bob", "carol")[:count]]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), some_of_ours),
        st.tuples(st.just("end"), st.sampled_from(RUNS)),
        st.tuples(st.just("read"), st.none()),
        st.tuples(st.just("new"), st.none()),
    ),
    max_size=30,
)


@given(steps)
def test_however_runs_write_and_others_read_in_between_a_snapshot_changes_nothing(
    taken: list[tuple[str, Any]],
):
    store, newest = Store(), 3
    for run in RUNS:
        store.write(run, a_run(run))
    for step, about in taken:
        if step == "write":
            store.write(about.run, about)
        elif step == "end":
            store.write(about, an_end(run=about))
        elif step == "new":
            newest += 1
            store.whole_run(f"run-{newest}", *messages(f"run-{newest}"))
        else:
            assert store.replayed() == store.progress()
    assert store.replayed() == store.progress()
    assert store.replayed() == store.progress()


def test_what_is_done_goes_in_and_what_may_grow_is_gone_on_with():
    store = Store()
    store.whole_run("run-1", *messages("run-1"))
    store.write("run-2", a_run("run-2"), *messages("run-2"))
    store.whole_run("run-3", *messages("run-3", 1))
    store.progress()
    assert ["run-1", "run-2"] == store.covered
    store.write("run-2", an_intent(a_membership("bob"), run="run-2"))
    assert [2] == [done.intent.number + 1 for done in store.progress().open]
    assert ["run-1", "run-2"] == store.covered
    store.write("run-2", *messages("run-2"), an_end(run="run-2"))
    assert store.replayed() == store.progress()
    assert ["run-1", "run-2", "run-3"] == store.covered


def test_a_run_that_died_holds_nothing_up_after_a_day():
    store = Store()
    store.write("run-1", a_run("run-1"), *messages("run-1"))
    store.whole_run("run-2", *messages("run-2"))
    store.progress()
    assert ["run-1"] == store.covered
    later = NOW + timedelta(days=2)
    store.write("run-3", a_run("run-3", at=later), *messages("run-3"), an_end(run="run-3", at=later))
    assert store.replayed() == store.progress()
    assert ["run-1", "run-2", "run-3"] == store.covered


def test_a_run_that_was_taken_for_dead_and_writes_again_is_read_in_its_place():
    store = Store()
    store.write("run-1", a_run("run-1"), *messages("run-1"))
    later = NOW + timedelta(days=2)
    store.write(
        "run-2", a_run("run-2", at=later), a_told(run="run-2", wave="canary"), an_end(run="run-2", at=later)
    )
    store.progress()
    assert ["run-1", "run-2"] == store.covered
    store.write("run-1", a_told(run="run-1", wave="rest"))
    assert "canary" == store.progress().notices[USERS[0].id].wave
    assert store.replayed() == store.progress()


def test_few_new_lines_make_no_snapshot():
    store = Store()
    store.whole_run("run-1")
    store.progress()
    assert {} == store.files.kept


# --- What it does not hide ---


def four_runs() -> Store:
    store = Store()
    for run in ("run-1", "run-2", "run-3"):
        store.whole_run(run, *messages(run))
    store.progress()
    assert ["run-1", "run-2", "run-3"] == store.covered
    store.whole_run("run-4", *messages("run-4"))
    return store


@given(st.integers(0, 2), st.data())
def test_damage_in_the_middle_of_what_went_in_is_found(which: int, data: st.DataObject):
    store = four_runs()
    whole = store.progress()
    segment = store.segments[RUNS[which]]
    content = bytearray(segment.content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    segment.content = bytes(content)
    try:
        found, told = store.progress(), RUNS[which]
    except JournalDamaged as damage:
        found, told = whole, str(damage)
    assert whole == found  # the last line break is no loss
    assert told.startswith(RUNS[which])


@pytest.mark.parametrize("which", range(3))
def test_a_segment_that_went_in_is_missed(which: int):
    store = four_runs()
    gone = store.segments.pop(RUNS[which])
    with pytest.raises(JournalDamaged, match=f"{gone.run} is missing: run run-. saw it"):
        store.progress()


def test_a_segment_that_nobody_has_seen_is_not_in_the_progress_any_more_either():
    store = Store()
    store.whole_run("run-1", *messages("run-1"))
    store.progress()
    del store.segments["run-1"]
    assert {} == store.progress().runs


def test_a_segment_cut_short_to_what_went_in_is_missed_if_another_run_saw_more():
    store = Store()
    store.write("run-1", a_run("run-1"), *messages("run-1"))
    store.progress()
    assert ["run-1"] == store.covered
    short = store.segments["run-1"].content
    store.write("run-1", a_told(run="run-1"))
    store.whole_run("run-2")
    assert store.replayed() == store.progress()
    store.segments["run-1"].content = short
    with pytest.raises(
        JournalDamaged, match="run-1 was cut short at line 5, or replaced: a line that run run-2 saw"
    ):
        store.progress()


def test_what_a_run_saw_before_the_end_of_what_went_in_is_found_there():
    store = Store()
    store.write("run-1", a_run("run-1"))
    store.write("run-2", a_run("run-2"))  # saw the first of run 1
    store.write("run-1", *messages("run-1"), an_end(run="run-1"))
    store.progress()
    assert ["run-1", "run-2"] == store.covered[:2]
    assert store.replayed() == store.progress()


# --- What is not believed ---


@given(st.data())
def test_a_damaged_snapshot_is_left_aside(data: st.DataObject):
    store = four_runs()
    content = bytearray(store.files.kept[NAME])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    store.files.kept[NAME] = bytes(content)
    assert store.replayed() == store.progress()


@given(st.binary(max_size=40))
def test_a_file_that_is_no_snapshot_is_left_aside(content: bytes):
    store = four_runs()
    store.files.kept[NAME] = content
    assert store.replayed() == store.progress()


def test_a_snapshot_by_other_code_is_left_aside_and_made_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    store = four_runs()
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(snapshot, "folded_by", lambda: "0123456789abcdef")
    assert store.replayed() == store.progress()
    assert "the snapshot of the journal is left aside: another version of rollout made it" in caplog.text
    assert "made a snapshot of the journal, of 4 runs" in caplog.text
    assert ["run-1", "run-2", "run-3", "run-4"] == store.covered


def test_a_snapshot_of_another_organization_is_left_aside():
    store = four_runs()
    other = store.files.kept[NAME].replace(ORGANIZATION.encode(), b"o-zzzzzzzzzz")
    store.files.kept[NAME] = other
    assert store.replayed() == store.progress()


def test_a_store_that_cannot_be_written_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise Unwritable("AccessDenied, says the test", cure="")

    store = Store()
    store.whole_run("run-1", *messages("run-1"))
    monkeypatch.setattr(MemoryFiles, "writing", refused)
    assert store.replayed() == store.progress()


# --- In a store that has a key ---


def forged(content: bytes) -> bytes:
    """What somebody makes of a snapshot who knows this code, but has no key: everybody was released."""
    line, _, body = content.partition(b"\n")
    rows = gzip.decompress(body).replace(b"canary", b"rest")
    body = gzip.compress(rows)
    cover = json.loads(line) | {"body": sha256(body).hexdigest()}
    return json.dumps(cover, separators=(",", ":")).encode() + b"\n" + body


@pytest.mark.parametrize("how", ["changed", "without a seal", "with another key"])
def test_a_snapshot_that_this_key_has_not_sealed_is_left_aside(how: str):
    store = Store(trust=sealed())
    store.whole_run("run-1", a_told(run="run-1", wave="canary"), *messages("run-1")[1:])
    store.progress()
    assert ["run-1"] == store.covered
    assert b'"mac":' in store.files.kept[NAME]
    if how == "with another key":
        other = Store(trust=sealed(b"another key" + b"!" * 21))
        other.whole_run("run-1", *messages("run-1"))
        other.progress()
        store.files.kept[NAME] = other.files.kept[NAME]
    else:
        store.files.kept[NAME] = forged(store.files.kept[NAME])
        if how == "without a seal":
            cover, _, body = store.files.kept[NAME].partition(b"\n")
            store.files.kept[NAME] = cover.partition(b',"mac"')[0] + b"}\n" + body
    assert "canary" == store.progress().notices[USERS[0].id].wave


def test_what_is_not_sealed_is_told_of_with_a_snapshot_too():
    store = Store(trust=sealed())
    store.whole_run("run-1", *messages("run-1"))
    store.progress()
    forger = Store(segments=store.segments)
    forger.whole_run("evil", a_told(run="evil"))
    with pytest.raises(RecordAltered, match="evil is not sealed"):
        store.progress()
    heard = Heard()
    assert ["run-1"] == list(store.progress(lenient(store.trust, heard)).runs)
    assert "evil is not sealed" in heard.text
    assert ["run-1"] == store.covered, "no snapshot is made of a journal in which something is wrong"


def test_while_the_key_cannot_be_used_no_snapshot_is_made_or_believed():
    store = Store(trust=sealed())
    store.whole_run("run-1", *messages("run-1"))
    heard = Heard()
    assert ["run-1"] == list(store.progress(lenient(sealed(down=True), heard)).runs)
    assert {} == store.files.kept


# --- In a folder and in a bucket ---


def wrote(place: Place, run: str, *records: Record) -> None:
    journal = place.journal(run)
    journal.append(a_run(run), *records)
    journal.append(an_end(run=run))


def test_every_kind_of_store_goes_on_from_its_snapshot(place: Place):
    wrote(place, "run-1", *messages("run-1"))
    first = place.journal("x").progress(ORGANIZATION)
    assert NAME in place.names()
    place.journal("approval-1").append(an_approval())
    wrote(place, "run-2", *messages("run-2"))
    again = place.journal("x").progress(ORGANIZATION)
    assert (["run-1"], ["run-1", "run-2"]) == (list(first.runs), list(again.runs))
    assert replay(place.journal("x").records(), ORGANIZATION) == again


def test_a_segment_that_was_changed_is_found_in_every_kind_of_store(place: Place):
    wrote(place, "run-1", *messages("run-1"))
    place.journal("x").progress(ORGANIZATION)
    (name,) = [name for name in place.names() if name.endswith(".jsonl") and "-0000" not in name][:1]
    place.put(name, place.content(name).replace(b"carol", b"coral"))
    for other in [other for other in place.names() if "-0000" in other]:
        place.put(other, place.content(other).replace(b"carol", b"coral"))
    with pytest.raises(JournalDamaged, match="line 5 is damaged"):
        place.journal("x").progress(ORGANIZATION)


def test_in_a_folder_only_its_owner_may_read_it(tmp_path: Path):
    wrote(FolderPlace(tmp_path), "run-1", *messages("run-1"))
    FolderJournal(tmp_path, "x").progress(ORGANIZATION)
    assert 0o600 == stat.S_IMODE((tmp_path / NAME).stat().st_mode)
    assert 0o700 == stat.S_IMODE((tmp_path / NAME).parent.stat().st_mode)


def test_in_a_bucket_what_went_in_is_not_fetched_again(bucket: BucketServer):
    place = BucketPlace(bucket)
    for run in ("run-1", "run-2"):
        wrote(place, run, *messages(run))
    place.journal("x").progress(ORGANIZATION)
    wrote(place, "run-3", *messages("run-3"))
    bucket.asked.clear()
    assert ["run-1", "run-2", "run-3"] == list(place.journal("y").progress(ORGANIZATION).runs)
    read = [one.name for one in bucket.asked if one.method == "GET" and "list-type" not in one.query]
    assert [name for name in read if not name.startswith("journal/run-3/")] == [NAME, NAME]


# --- What was sent, and when a snapshot is written ---


def test_what_was_sent_is_read_past_a_snapshot_and_what_was_damaged_since_is_found(tmp_path: Path):
    told = messages("run-1")
    for run in RUNS:
        records = told if run == "run-1" else [an_intent(a_membership("bob"), run=run)]
        FolderJournal(tmp_path, run).append(a_run(run), *records, an_end(run=run))
    journal = FolderJournal(tmp_path, "look")
    assert told == list(journal.sent(ORGANIZATION))
    journal.progress(ORGANIZATION)
    assert (tmp_path / NAME).exists()
    assert told == list(journal.sent(ORGANIZATION))

    damaged = tmp_path / "journal" / "run-2.jsonl"
    damaged.write_bytes(damaged.read_bytes().replace(b"bob", b"bop", 1))
    with pytest.raises(JournalDamaged, match=r"run-2\.jsonl, line 3 is damaged"):
        list(journal.sent(ORGANIZATION))


def test_a_snapshot_that_is_put_off_is_written_by_whoever_reads_next_and_holds_nothing_of_a_rehearsal(
    tmp_path: Path,
):
    put_off: list[Any] = []
    snapshots = StoredSnapshots(FolderStore(tmp_path), put_off.append)
    FolderJournal(tmp_path, "run-1").append(a_run("run-1"), *messages("run-1"), an_end(run="run-1"))
    journal = FolderJournal(tmp_path, "look", snapshots=snapshots)
    rehearsed = [an_intent(a_membership("bob"), run="run-1")]
    assert len(journal.progress(ORGANIZATION, rehearsed).open) == 1
    first = (tmp_path / NAME).read_bytes()
    assert not journal.progress(ORGANIZATION).open

    (tmp_path / NAME).unlink()
    journal.progress(ORGANIZATION)
    assert not (tmp_path / NAME).exists()
    put_off[-1]()
    assert first == (tmp_path / NAME).read_bytes()

    (tmp_path / NAME).unlink()
    journal.progress(ORGANIZATION)
    list(journal.sent(ORGANIZATION))
    assert first == (tmp_path / NAME).read_bytes()
