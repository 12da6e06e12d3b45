"""What a store promises, whichever kind it is: a folder or a bucket. Plans, journal and lock, one suite for all."""

import gzip
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from rollout.domain.plan.entries import Header
from rollout.domain.progress.records import Record, WaveCarried
from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.errors import JournalDamaged, LockHeld, NoPlan, PlanRefused, Unwritable
from rollout.store.filed_plan import FiledPlan
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.new_segment import NewSegment
from rollout.store.processes import process_start
from tests.builders import NOW, ORGANIZATION, a_finding, a_header, a_told, an_account_plan, an_entry, left_out
from tests.store.memory import parted
from tests.store.places import PURPOSE, Place, left_behind
from tests.store.test_journal import carried, start

# --- NamedFiles ---


def test_a_file_appears_when_the_block_ends(place: Place):
    files = place.files()
    with files.writing("plans/a") as stream:
        stream.write(b"new")
        assert files.names("plans") == []

    assert files.names("plans") == ["a"]
    with files.reading("plans/a") as stream:
        assert stream.read() == b"new"


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(place: Place):
    place.put("plans/a", b"old")

    with pytest.raises(ZeroDivisionError), place.files().writing("plans/a") as stream:
        stream.write(b"half" * (1 // 0))
    assert place.names() == ["plans/a"]
    assert place.content("plans/a") == b"old"


def test_a_file_that_is_not_there_is_not_found(place: Place):
    with pytest.raises(FileNotFoundError), place.files().reading("plans/a"):
        pass
    assert place.files().names("plans") == []


def test_a_file_may_be_empty_or_long(place: Place):
    files = place.files()
    for content in (b"", bytes(range(256)) * 4096):
        with files.writing("plans/a") as stream:
            stream.write(content)
        with files.reading("plans/a") as stream:
            assert stream.read() == content


# --- Plans ---

ACCOUNTS = (
    an_account_plan(
        an_entry("alice", impact=Impact.ENROL, wave="canary"),
        an_entry("ci-deployer", Kind.HOLD),
        account_id="012345678901",
    ),
    an_account_plan(an_entry("=x", Kind.EXEMPT, account_id="111122223333"), account_id="111122223333"),
)
PLAN, EVIDENCE = "plans/2026-11-24-k3f9.yaml", "plans/2026-11-24-k3f9.evidence.jsonl.gz"
INDEX = "plans/2026-11-24-k3f9.index.jsonl"


def saved(place: Place, **header) -> FiledPlan:
    return place.plans().save(*parted(a_header(*ACCOUNTS, **header), ACCOUNTS))


def test_a_plan_is_equal_after_a_round_trip(place: Place):
    stored = saved(place)
    loaded = place.plans().load(None)

    assert stored.header == loaded.header
    assert tuple(loaded.accounts()) == ACCOUNTS


def test_a_plan_its_evidence_and_its_index_lie_side_by_side(place: Place):
    stored = saved(place)

    assert place.names() == [EVIDENCE, INDEX, PLAN]
    assert stored.stem == "2026-11-24-k3f9"
    assert stored.location == place.files().where(PLAN)
    assert stored.location.endswith(PLAN)


def test_saving_fills_checksum_and_evidence_digest(place: Place):
    stored = saved(place)
    lines = place.content(PLAN).splitlines(keepends=True)
    rest = b"".join(line for line in lines if not line.startswith(b"checksum: "))

    assert f"sha256:{sha256(rest).hexdigest()}" == stored.header.checksum
    evidence = gzip.decompress(place.content(EVIDENCE))
    assert f"sha256:{sha256(evidence).hexdigest()}" == stored.header.digests.evidence


def test_in_which_order_accounts_were_judged_makes_no_difference(place: Place):
    """Several are read side by side, and each is written down as soon as it is judged."""
    found = []
    for accounts in (ACCOUNTS, ACCOUNTS[::-1]):
        place.plans().save(*parted(a_header(*ACCOUNTS), accounts))
        found.append([place.content(name) for name in place.names()])

    assert found[0] == found[1]


def test_left_out_accounts_and_findings_stand_in_the_header(place: Place):
    header = a_header(left_out=(left_out(cure="let us in"),), findings=(a_finding(),))
    stored = place.plans().save(*parted(header, []))
    loaded: Header = place.plans().load(stored.stem).header

    assert (header.left_out, header.findings) == (loaded.left_out, loaded.findings)


def test_the_newest_is_found_by_its_header(place: Place):
    saved(place, id="zzzz", created=NOW - timedelta(hours=2))
    saved(place, id="aaaa", created=NOW)

    assert place.plans().load(None).header.id == "aaaa"


def test_the_newest_of_the_organization_comes_first(place: Place):
    saved(place, id="mine", created=NOW - timedelta(days=3))
    saved(place, id="them", created=NOW, organization_id="o-zzzzzzzzzz")

    assert place.plans().load(None, ORGANIZATION).header.id == "mine"
    assert place.plans().load(None, "o-xxxxxxxxxx").header.id == "them"
    assert place.plans().load(None).header.id == "them"


@pytest.mark.parametrize("reference", ["2026-11-24-k3f9", "2026-11-24-k3f9.yaml", "k3f9", PLAN, PLAN[:-5]])
def test_a_plan_is_found_by_stem_id_or_path(place: Place, reference: str):
    saved(place)
    saved(place, id="zzzz", created=NOW + timedelta(days=1))

    assert place.plans().load(reference).header.id == "k3f9"


def test_a_plan_is_found_by_where_it_says_it_is(place: Place):
    stored = saved(place)

    assert place.plans().load(stored.location).location == stored.location


def test_samples_are_found_by_path_only(place: Place):
    saved(place, id="smpl")
    for name in (PLAN, EVIDENCE):
        deeper = name.replace("plans/", "plans/sample/").replace("k3f9", "smpl")
        place.put(deeper, place.content(name.replace("k3f9", "smpl")))
        place.remove(name.replace("k3f9", "smpl"))

    for reference in (None, "smpl"):
        with pytest.raises(NoPlan):
            place.plans().load(reference)
    assert place.plans().load("plans/sample/2026-11-24-smpl.yaml").header.id == "smpl"


def test_without_any_plan_the_cure_is_to_make_one(place: Place):
    with pytest.raises(NoPlan, match=place.files().where("plans")) as refused:
        place.plans().load(None)
    assert refused.value.exit_code == 1
    assert refused.value.cure == "run `rollout plan`"


@pytest.mark.parametrize(
    "reference",
    [
        "nope",
        "../nope",
        "plans/nope.yaml",
        "a\0b",
        "a\0/b",
        "x" * 5000,
        "x/" * 999,
        "",
        ".",
        "plans",
        "s3://x/y",
    ],
)
def test_an_unknown_plan_is_told_with_those_that_there_are(place: Place, reference: str):
    saved(place)

    with pytest.raises(NoPlan) as refused:
        place.plans().load(reference)
    assert "2026-11-24-k3f9" in refused.value.cure


def test_foreign_files_in_the_folder_are_passed_over(place: Place):
    saved(place)
    place.put("plans/notes.yaml", b"buy: milk\n")
    place.put("plans/empty.yaml", b"")

    assert place.plans().load(None).header.id == "k3f9"


@pytest.mark.parametrize("old", [b"2026-11-24T", b"canary", b"alice", b"sha256:"])
def test_an_altered_plan_is_refused(place: Place, old: bytes):
    saved(place, id="oldd", created=NOW - timedelta(days=1))
    saved(place)
    place.put(PLAN, place.content(PLAN).replace(old, old[:-1] + b"x", 1))

    with pytest.raises(PlanRefused, match=place.files().where(PLAN)) as refused:
        place.plans().load(None)
    assert refused.value.exit_code == 6


def test_altered_evidence_is_refused(place: Place):
    saved(place)
    place.put(EVIDENCE, gzip.compress(gzip.decompress(place.content(EVIDENCE)).replace(b"alice", b"mallo")))

    with pytest.raises(PlanRefused, match="not the evidence that the plan was written with"):
        place.plans().load(None)
    loaded = place.plans().load(None, whole=False)
    with pytest.raises(PlanRefused, match="not the evidence that the plan was written with"):
        list(loaded.accounts())
    with pytest.raises(PlanRefused, match=r"altered|does not match"):
        list(loaded.accounts(frozenset({"012345678901"})))


def test_a_plan_without_its_evidence_is_refused(place: Place):
    saved(place)
    place.remove(EVIDENCE)

    with pytest.raises(
        PlanRefused, match=r"the evidence of .* is missing: .*k3f9\.evidence\.jsonl\.gz"
    ) as refused:
        place.plans().load(None)
    assert refused.value.exit_code == 6


def test_a_plan_altered_after_it_was_opened_is_refused(place: Place):
    loaded = place.plans().load(saved(place).stem)
    place.put(PLAN, place.content(PLAN).replace(b'"alice"', b'"eve"'))

    with pytest.raises(PlanRefused, match="altered"):
        next(loaded.accounts())


def test_a_plan_removed_after_it_was_opened_is_missed(place: Place):
    loaded = place.plans().load(saved(place).stem)
    place.remove(PLAN)

    with pytest.raises(NoPlan, match="no longer exists"):
        next(loaded.accounts())


# --- Journal ---


def spelled(run: str, *lines: bytes) -> bytes:
    """The bytes of the segment of a first run."""
    return NewSegment(run, list).spell(lines)


def written(place: Place, *records: Record, run: str = "run-1") -> str:
    place.journal(run).append(*records)
    return place.segment(run)


def read(place: Place) -> list[Record]:
    return list(place.journal("reader").records())


def test_records_come_back_in_order(place: Place):
    journal = place.journal("run-1")
    journal.append(start())
    journal.append(carried(wave="a"), carried(wave="b"))
    expected = [start(), carried(wave="a"), carried(wave="b")]

    assert expected == list(journal.records())
    assert expected == read(place)


def test_nothing_is_made_before_the_first_record(place: Place):
    journal = place.journal("run-1")
    journal.append()

    assert list(journal.records()) == []
    assert place.names() == []


def test_runs_come_in_the_order_in_which_they_began_whatever_the_clock_said(place: Place):
    for days, run in enumerate("bca"):
        written(place, start(run, NOW - timedelta(days)), carried(run), run=run)
    place.put("journal/notes.txt", b"not a segment")

    assert list("bbccaa") == [record.run for record in read(place)]


def test_of_two_runs_that_began_side_by_side_each_comes_after_what_it_saw(place: Place):
    written(place, start("c"), run="c")
    journals = {run: place.journal(run) for run in "xba"}
    journals["x"].append(start("x"))  # the others begin while it is under way
    for run in "ba":
        journals[run].append(start(run))
    journals["x"].append(carried("x"))

    assert ["c", "x", "x", "b", "a"] == [record.run for record in read(place)]


def test_runs_of_an_earlier_version_come_first_by_their_start(place: Place):
    written(place, start("new", NOW - timedelta(days=9)), run="new")
    for days, run in enumerate("acb"):
        place.put(place.segment(run), line_of(start(run, NOW - timedelta(days=days // 2))))

    assert ["b", "a", "c", "new"] == [record.run for record in read(place)]


def test_a_segment_that_is_gone_is_missed(place: Place):
    """Its notices would never have been sent."""
    gone = written(place, start("run-1"), run="run-1")
    written(place, start("run-2"), run="run-2")
    place.remove(gone)

    with pytest.raises(JournalDamaged, match=r"journal/run-1[./].* is missing: run run-2 saw it"):
        read(place)


def test_a_segment_that_was_emptied_is_missed(place: Place):
    name = written(place, start("run-1"), run="run-1")
    written(place, start("run-2"), run="run-2")
    place.put(name, b"")

    with pytest.raises(JournalDamaged, match=r"journal/run-1.* cut short .* run-2 saw"):
        read(place)


def test_what_was_sent_is_read_alone_and_everything_else_is_checked_all_the_same(place: Place):
    told = a_told()
    name = written(place, start(), told, carried())
    assert [told] == list(place.journal("look").sent(ORGANIZATION))
    place.put(name, place.content(name).replace(b"canary", b"canarx"))
    with pytest.raises(JournalDamaged, match="is damaged"):
        list(place.journal("look").sent(ORGANIZATION))


def test_a_last_line_that_is_damaged_is_not_taken_for_a_torn_one(place: Place):
    name = written(place, start(), carried())
    place.put(name, place.content(name).replace(b"canary", b"canarx"))

    with pytest.raises(JournalDamaged, match=rf"{place.files().where(name)}, line 3 is damaged"):
        read(place)


def test_a_damaged_journal_takes_a_new_run_which_is_last_when_it_is_mended(place: Place):
    name = written(place, start())
    whole = place.content(name)
    place.put(name, whole[:20] + b"#" + whole[21:])
    written(place, start("release", NOW - timedelta(days=1)), run="release")
    place.put(name, whole)

    assert [start(), start("release", NOW - timedelta(days=1))] == read(place)


def test_a_reader_sees_what_was_written_since_it_last_read(place: Place):
    reader, writer = place.journal("reader"), place.journal("run-1")
    for number in range(3):
        writer.append(carried(wave=str(number)))
        assert len(list(reader.records())) == number + 1


def test_damage_in_the_middle_is_told_with_file_and_line(place: Place):
    name = written(place, start(), carried(), carried())
    lines = place.content(name).splitlines(keepends=True)
    place.put(name, lines[0] + lines[1][:10] + b"\n" + lines[2])

    with pytest.raises(JournalDamaged, match=rf"{place.files().where(name)}, line 2") as refused:
        read(place)
    assert refused.value.exit_code == 1
    assert "backup" in refused.value.cure


def test_a_record_of_a_newer_version_is_told_even_in_the_last_line(place: Place):
    newer = b'{"type":"WaveMoved","run":"run-1","at":"2026-11-24T09:00:00Z"}\n'
    place.put(place.segment("run-1"), spelled("run-1", line_of(start()), newer))

    with pytest.raises(JournalDamaged, match=r'line 3.*"WaveMoved"') as refused:
        read(place)
    assert "newest version" in refused.value.cure


def test_a_second_run_of_the_same_name_is_refused(place: Place):
    written(place, start())

    with pytest.raises(Unwritable, match="another run"):
        written(place, start())
    assert [start()] == read(place)


def test_many_threads_lose_and_mix_nothing(place: Place):
    journal = place.journal("run-1")

    def work(name: str) -> None:
        for number in range(20):
            journal.append(carried(wave=f"{name}-{number}"), carried(wave=f"{name}-{number}-again"))

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for found in (list(journal.records()), read(place)):
        waves = [record.wave for record in found if isinstance(record, WaveCarried)]
        assert len(waves) == 320
        for number in range(8):
            mine = [wave for wave in waves if wave.startswith(f"{number}-")]
            assert mine == [f"{number}-{step}{end}" for step in range(20) for end in ("", "-again")]


WRITER = """
import sys
from tests.store.memory import parted
from tests.store.places import reopened
from tests.store.test_journal import carried, start
journal = reopened(sys.argv[1]).journal("run-1")
journal.append(start())
number = 0
while True:
    journal.append(carried(wave=str(number)))
    print(number, flush=True)
    number += 1
"""


def test_a_killed_writer_has_lost_nothing_that_it_was_told_is_safe(place: Place, tmp_path: Path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout
    for _ in range(50):
        writer.stdout.readline()
    writer.kill()
    told = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    writer.stdout.close()
    writer.wait()

    waves = [record.wave for record in read(place) if isinstance(record, WaveCarried)]
    assert waves == [str(number) for number in range(len(waves))]
    assert len(waves) > max(told, default=49)


def test_a_journal_is_the_same_bytes_in_every_place(place: Place):
    name = written(place, start(), carried())

    assert place.content(name) == spelled("run-1", line_of(start()), line_of(carried()))


# --- Lock ---


def holds(place: Place, **content) -> bool:
    found: dict[str, object] = json.loads(place.content(place.lock_name))
    return found.items() >= content.items()


def test_a_lock_stands_for_as_long_as_the_block(place: Place):
    lock = place.lock()
    assert not lock.still_held()
    with lock.hold(ORGANIZATION, PURPOSE):
        assert lock.still_held()
        assert holds(
            place, owner="ana", host="laptop", pid=os.getpid(), since=NOW.isoformat(), purpose=PURPOSE
        )

    assert not lock.still_held()
    assert place.lock_name not in place.names()


def test_it_goes_away_when_the_block_fails(place: Place):
    with pytest.raises(ZeroDivisionError), place.lock().hold(ORGANIZATION, PURPOSE):
        _ = 1 // 0

    assert place.lock_name not in place.names()


def test_the_second_is_told_who_is_first_where_since_when_and_why(place: Place):
    with (
        place.lock().hold(ORGANIZATION, PURPOSE),
        pytest.raises(LockHeld) as refused,
        place.lock(owner="bob").hold(ORGANIZATION, "rollback"),
    ):
        pass

    for said in (ORGANIZATION, "ana", "laptop", str(os.getpid()), "2026-11-24 09:00 UTC", PURPOSE):
        assert said in str(refused.value)
    assert "rollout unlock" in refused.value.cure
    assert refused.value.exit_code == 5


def test_organizations_do_not_wait_for_each_other(place: Place):
    with place.lock().hold(ORGANIZATION, PURPOSE), place.lock().hold("o-other", PURPOSE):
        pass


def test_the_same_process_may_take_it_again_afterwards(place: Place):
    lock = place.lock()
    for _ in range(2):
        with lock.hold(ORGANIZATION, PURPOSE):
            pass


def test_a_name_that_could_leave_the_folder_is_a_mistake(place: Place):
    with pytest.raises(ValueError, match="is not an organization ID"), place.lock().hold("../x", PURPOSE):
        pass


def test_a_lock_of_a_dead_process_on_this_host_is_taken_over(place: Place):
    left_behind(place)
    lock = place.lock()

    with lock.hold(ORGANIZATION, PURPOSE):
        assert lock.still_held()
    assert place.lock_name not in place.names()


def test_a_lock_whose_process_number_was_given_to_another_is_taken_over(place: Place):
    left_behind(place, pid=os.getppid())

    with place.lock().hold(ORGANIZATION, PURPOSE):
        pass


@pytest.mark.parametrize(
    "alive",
    [
        {"host": "server"},
        {"pid": os.getppid(), "process_start": process_start(os.getppid())},
        {"pid": 0},
        {"pid": -1},
        {"process_start": "1 / other-boot / pid:[1] / "},
        {"token": ""},
        {"since": "yesterday"},
        {"pid": "many"},
    ],
)
def test_in_doubt_a_holder_is_alive(place: Place, alive):
    left_behind(place, **alive)

    with pytest.raises(LockHeld), place.lock().hold(ORGANIZATION, PURPOSE):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_lock_that_cannot_be_read_still_counts(place: Place, content: bytes):
    place.put(place.lock_name, content)

    with pytest.raises(LockHeld, match="cannot be read"), place.lock().hold(ORGANIZATION, PURPOSE):
        pass


def test_who_lost_the_lock_sees_it_and_leaves_the_new_one_alone(place: Place):
    first, second = place.lock(), place.lock(owner="bob")
    with first.hold(ORGANIZATION, PURPOSE):
        former = second.break_open(ORGANIZATION)
        assert former
        assert former.owner == "ana"
        assert not first.still_held()
        with second.hold(ORGANIZATION, PURPOSE):
            assert not first.still_held()
            assert second.still_held()
            newcomer = second.holder(ORGANIZATION)

    assert newcomer
    assert newcomer.owner == "bob"


def test_releasing_leaves_a_foreign_lock_in_place(place: Place):
    with place.lock().hold(ORGANIZATION, PURPOSE):
        left_behind(place)

    assert holds(place, owner="bob")


def test_breaking_what_is_not_there_makes_nothing(place: Place):
    assert place.lock().break_open(ORGANIZATION) is None
    assert place.lock().holder(ORGANIZATION) is None
    assert place.names() == []


def test_a_lock_that_cannot_be_read_can_be_broken(place: Place):
    place.put(place.lock_name, b"{")

    assert place.lock().break_open(ORGANIZATION)
    with place.lock().hold(ORGANIZATION, PURPOSE):
        pass


# --- Contention ---

CONTENDER = """
import sys
from rollout.errors import LockHeld
from tests.store.memory import parted
from tests.store.places import PURPOSE, reopened
from tests.builders import ORGANIZATION
from tests.store.memory import parted
lock = reopened(sys.argv[1]).lock()
print("ready", flush=True)
sys.stdin.readline()
try:
    with lock.hold(ORGANIZATION, PURPOSE):
        print("held" if lock.still_held() else "lost", flush=True)
        sys.stdin.readline()
except LockHeld as refused:
    print("refused", refused, flush=True)
"""


class Contender:
    """Another process that wants the lock."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONTENDER, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextmanager
def contenders(root: Path, count: int):
    started = [Contender(root) for _ in range(count)]
    try:
        yield started
    finally:
        for contender in started:
            contender.process.kill()
            contender.process.communicate(timeout=20)


# Takes a second or more: four processes, for a lock in one process shows nothing.
@pytest.mark.parametrize("stale", [False, True])
def test_of_many_processes_one_gets_it(place: Place, tmp_path: Path, stale: bool):
    """Also when all of them find the same dead lock at once."""
    if stale:
        left_behind(place)
    with contenders(tmp_path, 4) as started:
        assert ["ready"] * 4 == [contender.hear() for contender in started]
        for contender in started:
            contender.tell()
        answers = [contender.hear() for contender in started]
        for contender, answer in zip(started, answers, strict=True):
            if answer == "held":
                contender.tell()
            contender.process.wait(20)

    assert ["held", "refused", "refused", "refused"] == sorted(answer.split()[0] for answer in answers)
    assert all("locked by ana on laptop" in answer for answer in answers if answer != "held")
    assert place.lock_name not in place.names()


def test_a_killed_holder_is_replaced_at_once(place: Place, tmp_path: Path):
    with contenders(tmp_path, 1) as [holder]:
        holder.tell()
        assert ["ready", "held"] == [holder.hear() for _ in range(2)]
        with pytest.raises(LockHeld), place.lock().hold(ORGANIZATION, PURPOSE):
            pass

    with place.lock().hold(ORGANIZATION, PURPOSE):
        pass


# Takes a second or more: sixty attempts, or the threads would not meet.
@pytest.mark.parametrize("stale", [False, True])
def test_threads_never_hold_it_together(place: Place, stale: bool):
    if stale:
        left_behind(place)
    inside: list[int] = []
    most: list[int] = []
    locks = [place.lock() for _ in range(6)]

    def work(number: int) -> None:
        for _ in range(10):
            try:
                with locks[number].hold(ORGANIZATION, PURPOSE):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except LockHeld:
                continue

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(most) == {1}


def test_a_replaced_header_is_read_anew(place: Place):
    """Nothing of a plan is remembered from one command to the next."""
    first = saved(place)
    second = place.plans().save(*parted(replace(a_header(*ACCOUNTS), caller="somebody else"), ACCOUNTS))

    assert first.header.checksum != second.header.checksum
    assert place.plans().load(None).header == second.header
