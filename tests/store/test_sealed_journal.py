"""In a store that has a key, nobody without the key can add, change, replay or move a record unnoticed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.progress.records import Record
from rollout.errors import ExitCode, JournalDamaged, KeyUnusable, RecordAltered
from rollout.store.formats.found_segments import digest_of
from rollout.store.formats.journal_chain import Chain
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.journal_reading import unsealed_runs
from rollout.store.formats.new_segment import NewSegment
from rollout.store.formats.seals import Seals, Trust
from tests.builders import ORGANIZATION
from tests.store import strategies
from tests.store.sealing import MachineMemory, MemoryKey, Told, grown, lenient, read, sealed
from tests.store.test_journal import carried, start
from tests.store.test_journal_chain import Kept

KEY = sealed()
FORGED = carried("evil")


def three_runs(trust: Trust = KEY) -> list[Kept]:
    """Each has seen the one before, and no run has seen the last."""
    segments: list[Kept] = []
    for run in ("run-1", "run-2", "run-3"):
        records = (start(run), carried(run, "canary"), carried(run, "rest"))
        segments.append(grown(segments, run, *records, trust=trust))
    return segments


WHOLE = read(three_runs(), KEY)
UNKEYED = Trust()


def lines(segment: Kept) -> list[bytes]:
    return segment.content.splitlines(keepends=True)


def forged(run: str = "evil", *records: Record, trust: Trust = UNKEYED) -> Kept:
    """What somebody writes who can see everything in the store, but has no key, or another one."""
    return grown(three_runs(), run, *(records or (start(run), carried(run))), trust=trust)


def mended(segment: Kept) -> Kept:
    """The same lines with checksums that fit, as anybody can make them who has this code."""
    chain = Chain(segment.run)
    bare = [re.sub(rb',"sum":"[0-9a-f]{16}"\}\n?$', b"}\n", line) for line in lines(segment)]
    return Kept(segment.run, b"".join(map(chain.add, bare)))


# --- What is refused ---


def test_a_whole_journal_is_read_as_it_was_written():
    assert [start("run-1"), carried("run-1", "canary"), carried("run-1", "rest")] == WHOLE[:3]
    assert 9 == len(WHOLE)


@given(strategies.some_records, strategies.some_records)
def test_any_record_is_equal_after_a_sealed_round_trip(one: Record, other: Record):
    assert read([grown([], "run-1", one, other, trust=KEY)], KEY) == [one, other]


@pytest.mark.parametrize(
    "trust",
    [
        UNKEYED,
        sealed(b"another key" + b"!" * 21),
        sealed(organization="o-other00000"),
        sealed(place="s3://other/prefix"),
    ],
    ids=["without a key", "with another key", "for another organization", "for another store"],
)
def test_a_segment_that_was_not_sealed_for_this_store_is_refused_and_named(trust: Trust):
    with pytest.raises(RecordAltered, match=r"evil is (not sealed|sealed with another key)") as refused:
        read([*three_runs(), forged(trust=trust)], KEY)
    assert ExitCode.PLAN_REFUSED == refused.value.exit_code
    assert "rollout seal" in refused.value.cure


def test_an_opening_that_claims_the_key_is_refused_with_its_line():
    """The name of the key stands in every segment, so anybody can copy it."""
    mine = lines(three_runs()[0])[0]
    key = mine[mine.index(b'"key"') : mine.index(b',"mac"')]
    bare = b'{"type":"SegmentOpened","run":"evil","number":9,"saw":{},%b}\n' % key
    with pytest.raises(
        RecordAltered, match="evil, line 1 was not written with this store's key: it is not sealed"
    ):
        read([*three_runs(), Kept("evil", Chain("evil").add(bare))], KEY)


def test_a_line_that_is_whole_but_not_sealed_is_refused_with_its_line():
    """Whoever has no key can still make every checksum fit."""
    segments = three_runs()
    chain = Chain("run-3")
    bare = [chain.check(line) for line in lines(segments[2])]
    mend = Chain("run-3")
    segments[2].content = b"".join(map(mend.add, [*bare, line_of(FORGED)]))

    with pytest.raises(RecordAltered):
        read(segments, KEY)
    segments[2].content = three_runs()[2].content + chain.add(line_of(FORGED))
    with pytest.raises(
        RecordAltered, match="run-3, line 5 was not written with this store's key: it is not sealed"
    ):
        read(segments, KEY)


@given(st.data())
def test_no_single_change_is_taken_for_the_truth(data: st.DataObject):
    """Forged, dropped, replayed, reordered, flipped: it is refused, or what is read is what was written.

    On a machine that has not seen them, the last lines of the last run may be missing, and nothing else.
    """
    segments, memory = three_runs(), MachineMemory()
    seen = data.draw(st.booleans())
    trust = Trust(KEY.seals, seen=memory)
    if seen:
        read(segments, trust)
    which, here = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 3))
    found = lines(segments[which])
    match data.draw(
        st.sampled_from(["forge", "drop", "repeat", "swap", "flip", "copy", "lose", "transplant"])
    ):
        case "forge":
            other = forged("evil", *data.draw(st.lists(strategies.some_records, min_size=1, max_size=3)))
            found.insert(here, data.draw(st.sampled_from(lines(other))))
        case "drop":
            del found[here : data.draw(st.integers(here + 1, 4))]
        case "repeat":
            found.insert(data.draw(st.integers(0, 4)), found[here])
        case "swap":
            there = data.draw(st.integers(0, 3))
            found[here], found[there] = found[there], found[here]
        case "flip":
            at = data.draw(st.integers(0, len(found[here]) - 1))
            changed = found[here][at] ^ data.draw(st.integers(1, 255))
            found[here] = found[here][:at] + bytes([changed]) + found[here][at + 1 :]
        case "copy":
            segments.append(
                Kept(data.draw(st.sampled_from(["evil", "run-0", "run-4"])), segments[which].content)
            )
        case "lose":
            found = []
        case _:  # transplant
            found[here] = lines(segments[(which + 1) % 3])[here]
    segments[which].content = b"".join(found)
    if data.draw(st.booleans()):
        segments[which] = mended(segments[which])
    segments = [segment for segment in segments if segment.content]

    try:
        found_now = read(segments, trust)
    except RecordAltered:
        return
    assert WHOLE[: len(found_now)] == found_now
    assert len(found_now) == 9 if seen else len(found_now) >= 6


# --- What this machine remembers ---


def remembering() -> tuple[Trust, MachineMemory]:
    memory = MachineMemory()
    return Trust(KEY.seals, seen=memory), memory


def test_a_machine_remembers_the_ends_that_no_run_has_seen_and_nothing_else():
    trust, memory = remembering()
    segments = three_runs()
    read(segments, trust)
    assert ["run-3"] == list(memory.kept)
    segments.append(grown(segments, "run-4", start("run-4"), trust=trust))
    read(segments, trust)
    assert ["run-4"] == list(memory.kept)


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_an_end_that_this_machine_has_seen_cannot_be_cut_off(lost: int):
    trust, memory = remembering()
    segments = three_runs()
    read(segments, trust)
    kept = dict(memory.kept)
    segments[2].content = b"".join(lines(segments[2])[:-lost])
    with pytest.raises(RecordAltered, match=r"run-3 .*this machine \(state.json\) saw"):
        read([segment for segment in segments if segment.content], trust)
    assert kept == memory.kept


def test_a_run_lets_its_machine_remember_its_end():
    """Nobody reads the journal after an approval."""
    trust, memory = remembering()
    run = NewSegment("run-4", three_runs, trust)
    content = run.spell([line_of(start("run-4"))])
    assert {} == memory.kept
    run.remember()
    read([*three_runs(), Kept("run-4", content)], trust)
    with pytest.raises(RecordAltered, match="run-4 is missing: this machine"):
        read(three_runs(), trust)


def test_what_cannot_be_trusted_is_not_remembered():
    trust, memory = remembering()
    read([*three_runs(), forged()], lenient(trust, Told()))
    assert {} == memory.kept


# --- What is only shown ---


def test_what_can_be_trusted_is_read_where_the_rest_is_only_told():
    segments = [*three_runs(), forged()]
    found = lines(segments[1])
    segments[1].content = b"".join([*found[:2], found[2].replace(b"canary", b"Canary"), found[3]])
    told = Told()

    assert [one for one in WHOLE if one != carried("run-2", "canary")][:5] == read(
        segments, lenient(KEY, told)
    )[:5]
    assert "evil is not sealed" in told.text
    assert "run-2, line 3 is damaged" in told.text
    assert all(isinstance(problem, RecordAltered) for problem in told.problems)
    assert FORGED not in read(segments, lenient(KEY, told))


def test_a_segment_that_is_missing_hides_no_other():
    told = Told()
    segments = three_runs()
    del segments[0]

    assert WHOLE[3:] == read(segments, lenient(KEY, told))
    assert "run-1 is missing: run run-2 saw it" in told.text


def test_the_key_is_asked_once_however_much_is_read_and_written():
    key = MemoryKey()
    trust = Trust(Seals(key, ORGANIZATION, "folder"))
    segments = three_runs(trust)
    read(segments, trust)
    read(segments, trust)
    assert 1 == key.asked


# --- A key that cannot be used ---


def test_without_its_key_a_store_is_refused_and_nothing_is_written():
    down = sealed(down=True)
    with pytest.raises(KeyUnusable):
        read(three_runs(), down)
    with pytest.raises(KeyUnusable):
        grown([], "run-4", start("run-4"), trust=down)


def test_where_people_are_let_out_a_key_that_is_down_stops_neither_reading_nor_writing():
    told = Told()
    down = lenient(sealed(down=True), told)
    assert WHOLE == read(three_runs(), down)
    release = grown(three_runs(), "release", start("release"), trust=down)
    assert b'"saw":{}' in release.content
    assert b'"mac"' not in release.content
    assert {KeyUnusable} == {type(problem) for problem in told.problems}

    with pytest.raises(RecordAltered, match="release is not sealed"):
        read([*three_runs(), release], KEY)


def test_a_sealed_journal_is_not_trusted_by_settings_that_name_no_key():
    with pytest.raises(KeyUnusable, match=r"rollout.yaml names none"):
        read(three_runs(), UNKEYED)
    told = Told()
    assert WHOLE == read(three_runs(), lenient(UNKEYED, told))
    assert 1 == len(told.problems)


# --- What is left behind ---


def test_a_forged_segment_that_was_there_when_a_run_began_can_be_taken_away_without_a_trace():
    """Else whoever writes one file could make the journal unreadable for good."""
    segments = [*three_runs(), forged()]
    release = grown(segments, "release", start("release"), trust=KEY)
    longer = three_runs()
    longer[2].content += forged("run-3").content
    other = grown(longer, "other", start("other"), trust=KEY)

    assert b"evil" not in release.content
    assert [*WHOLE, start("release")] == read([*three_runs(), release], KEY)
    assert [*WHOLE, start("other")] == read([*three_runs(), other], KEY)


def test_a_number_from_a_forged_opening_does_not_count():
    huge = Chain("evil").add(b'{"type":"SegmentOpened","run":"evil","number":999999999,"saw":{}}\n')
    later = grown([*three_runs(), Kept("evil", huge)], "run-4", start("run-4"), trust=KEY)
    assert b'"number":5,' in later.content


# --- Sealing what was there before ---


def before_the_key() -> list[Kept]:
    """A journal without a key: one segment of an earlier version, two of this one."""
    segments = three_runs(UNKEYED)
    segments.insert(0, Kept("old", line_of(start("old")) + line_of(carried("old"))))
    return segments


def test_what_somebody_looked_at_counts_once_it_is_sealed_and_only_with_these_bytes():
    segments = before_the_key()
    found = unsealed_runs(lambda: segments, str, KEY)
    assert ["old", "run-1", "run-2", "run-3"] == [one.run for one in found]
    assert {"is not sealed"} == {one.why for one in found}
    assert (start("old"), carried("old")) == found[0].records
    assert {""} == {one.damage for one in found}

    vouched = {one.run: one.digest for one in found}
    seal = Kept("seal", NewSegment("seal", lambda: segments, KEY, vouched).spell([line_of(start("seal"))]))
    now = [*segments, seal]
    everything = [start("old"), carried("old"), *WHOLE, start("seal")]
    assert everything == read(now, KEY)
    assert [] == unsealed_runs(lambda: now, str, KEY)
    later = grown(now, "later", start("later"), trust=KEY)
    assert [*everything, start("later")] == read([*now, later], KEY)

    with pytest.raises(RecordAltered, match="run-3 is missing: run seal sealed it"):
        read([*segments[:3], seal], KEY)
    segments[2].content += segments[3].content
    with pytest.raises(RecordAltered, match=r"run-2 was changed after `rollout seal` had sealed it"):
        read(now, KEY)


def test_nobody_without_the_key_can_vouch():
    segments = [*three_runs(), forged()]
    vouched = {"evil": digest_of(segments[3])}
    for trust in (UNKEYED, sealed(b"!" * 32)):
        evil = NewSegment("evil-2", lambda: segments, trust, vouched)
        with pytest.raises(RecordAltered, match="evil"):
            read([*segments, Kept("evil-2", evil.spell([line_of(start("evil-2"))]))], KEY)


def test_a_journal_of_another_key_can_be_taken_over():
    former = sealed(b"former key" + b"!" * 22)
    segments = three_runs(former)
    found = unsealed_runs(lambda: segments, str, KEY)
    assert {"is sealed with another key"} == {one.why for one in found}
    vouched = {one.run: one.digest for one in found}
    seal = Kept("seal", NewSegment("seal", lambda: segments, KEY, vouched).spell([line_of(start("seal"))]))
    assert [*WHOLE, start("seal")] == read([*segments, seal], KEY)


def test_what_is_damaged_is_shown_as_such():
    segments = before_the_key()
    segments[1] = replace(segments[1], content=segments[1].content.replace(b"canary", b"Canary"))
    damage = {one.run: one.damage for one in unsealed_runs(lambda: segments, str, KEY)}
    assert "run-1, line 3 is damaged" in damage.pop("run-1")
    assert {""} == set(damage.values())


def test_a_store_without_a_key_is_read_as_before():
    with pytest.raises(JournalDamaged) as refused:
        read([*three_runs(UNKEYED)[:1], *three_runs(UNKEYED)[2:]], UNKEYED)
    assert not isinstance(refused.value, RecordAltered)
