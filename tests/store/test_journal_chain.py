"""A journal that is not what was written is never read as if it were: each way to damage it is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.progress.records import Record
from rollout.errors import JournalDamaged
from rollout.store.formats.found_segments import TAIL, Segment, digest_of
from rollout.store.formats.journal_chain import Chain
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.journal_reading import records_of
from rollout.store.formats.new_segment import NewSegment
from tests.builders import NOW
from tests.store import strategies
from tests.store.test_journal import carried, start


@dataclass
class Kept:
    """A segment in memory (fills `Segment`)."""

    run: str
    content: bytes
    may_be_torn: bool = True

    def lines(self) -> Iterator[tuple[str, int, bytes]]:
        for number, line in enumerate(BytesIO(self.content), 1):
            yield self.run, number, line

    def tail(self) -> bytes:
        return self.content[-TAIL:]

    def keep(self) -> None:
        """It stays for as long as the test."""

    def proof(self, digest: str) -> str:
        return digest

    def proves(self, proof: str) -> bool:
        return digest_of(self) == proof


def grown(segments: Sequence[Segment], run: str, *records: Record) -> Kept:
    """The segment of a run that finds these when it begins."""
    return Kept(run, NewSegment(run, lambda: segments).spell([line_of(record) for record in records]))


def read(segments: Sequence[Segment]) -> list[Record]:
    return list(records_of(lambda: segments, str))


def three_runs() -> list[Kept]:
    """Each has seen the one before, and no run has seen the last."""
    segments: list[Kept] = []
    for run in ("run-1", "run-2", "run-3"):
        segments.append(grown(segments, run, start(run), carried(run, "canary"), carried(run, "rest")))
    return segments


WHOLE = read(three_runs())


@given(st.integers(0, 2), st.data())
def test_a_flipped_byte_is_found_or_harmless(which: int, data: st.DataObject):
    segments = three_runs()
    content = bytearray(segments[which].content)
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    segments[which].content = bytes(content)

    try:
        found, told = read(segments), segments[which].run
    except JournalDamaged as damage:
        found, told = WHOLE, str(damage)
    assert found == WHOLE
    assert told.startswith(segments[which].run)


def test_every_flip_of_the_last_line_is_found():
    """But for the line break: what it ends is whole, so it is read."""
    segments = three_runs()
    content = segments[2].content
    for position in range(content.rindex(b"\n", 0, -1) + 1, len(content) - 1):
        segments[2].content = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        with pytest.raises(JournalDamaged, match="run-3, line 4 is damaged"):
            read(segments)
    segments[2].content = content[:-1] + b"\x0b"
    assert read(segments) == WHOLE


@given(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3), st.sampled_from(("delete", "repeat", "swap")))
def test_a_line_out_of_its_place_is_found(which: int, here: int, there: int, how: str):
    segments = three_runs()
    lines = segments[which].content.splitlines(keepends=True)
    if how == "swap":
        lines[here], lines[there] = lines[there], lines[here]
    else:
        lines[here : here + 1] = [] if how == "delete" else [lines[here]] * 2
    if (how == "swap" and here == there) or (how == "delete" and (which, here) == (2, 3)):
        return  # nothing has changed, or nobody can tell: no run has seen the last line of the last one
    segments[which].content = b"".join(lines)

    with pytest.raises(JournalDamaged, match=segments[which].run):
        read(segments)


@given(strategies.some_records, strategies.some_records)
def test_any_record_is_equal_after_a_round_trip(one: Record, other: Record):
    assert read([grown([], "run-1", one, other)]) == [one, other]


def test_a_line_of_another_run_is_found():
    segments = three_runs()
    foreign = segments[0].content.splitlines(keepends=True)[1]
    segments[2].content += foreign

    with pytest.raises(JournalDamaged, match="run-3, line 5"):
        read(segments)


def test_a_line_without_checksum_behind_lines_with_one_is_damage():
    segments = three_runs()
    segments[2].content += line_of(carried("run-3"))

    with pytest.raises(JournalDamaged, match="run-3, line 5"):
        read(segments)


def test_an_opening_of_a_newer_version_is_told():
    newer = Chain("run-1").add(b'{"type":"SegmentOpened","run":"run-1","number":"first"}\n')

    with pytest.raises(JournalDamaged, match="run-1, line 1 was not written by this version"):
        read([Kept("run-1", newer)])


# --- What a run saw ---


def test_a_run_names_few_others_however_many_there_are():
    segments: list[Kept] = []
    for number in range(50):
        segments.append(grown(segments, f"run-{number}", start(f"run-{number}")))

    assert max(len(segment.content.splitlines()[0]) for segment in segments) < 150


@pytest.mark.parametrize("which", range(4))
def test_a_segment_that_a_later_run_saw_is_missed(which: int):
    segments = three_runs()
    segments.append(grown(segments[:2], "run-4", start("run-4")))  # begins beside the third
    segments.append(grown(segments, "run-5", start("run-5")))
    gone = segments.pop(which)

    with pytest.raises(JournalDamaged, match=f"{gone.run} is missing: run run-. saw it"):
        read(segments)


def test_what_a_run_wrote_after_it_was_first_seen_is_missed_too():
    growing = three_runs()
    long = NewSegment("run-3", lambda: growing[:2])
    first = long.spell([line_of(start("run-3")), line_of(carried("run-3"))])
    growing[2] = Kept("run-3", first)
    release = grown(growing, "release", start("release"))
    growing[2] = Kept("run-3", first + long.spell([line_of(carried("run-3", "rest"))]))
    last = grown([*growing, release], "last", start("last"))

    assert read([*growing, release, last])[-2:] == [start("release"), start("last")]
    growing[2] = Kept("run-3", first)
    with pytest.raises(JournalDamaged, match=r"run-3 was cut short at line 3, or replaced: .* run last saw"):
        read([*growing, release, last])


def test_a_segment_that_came_while_the_others_were_listed_is_not_missed():
    segments = three_runs()
    lists = iter(([segments[0], segments[2]], segments))

    assert list(records_of(lambda: next(lists), str)) == WHOLE


def test_damage_stops_nobody_from_writing_and_can_be_put_right():
    """A release is to be on record, whatever has become of the others. What is damaged is not named as seen."""
    segments = three_runs()
    whole = segments[2].content
    for damaged in (b"", whole[:9] + b"x" + whole[10:], whole[:-9] + b"x" + whole[-8:]):
        segments[2].content = damaged
        release = grown(segments, "release", start("release"))
        segments[2].content = whole
        assert read([*segments, release]) == [*WHOLE, start("release")]


# --- Journals of earlier versions ---


def earlier(run: str, *records: Record) -> Kept:
    return Kept(run, b"".join(map(line_of, records)))


def test_segments_without_checksums_come_first_by_their_start_and_are_watched_over_from_then_on():
    segments = [
        earlier("a", start("a", NOW + timedelta(9)), carried("a")),
        earlier("b", start("b"), carried("b")),
    ]
    segments.append(grown(segments, "new", start("new", NOW - timedelta(9))))
    segments.append(grown(segments, "newer", start("newer", NOW - timedelta(19))))

    assert [record.run for record in read(segments)] == ["b", "b", "a", "a", "new", "newer"]
    assert b'"saw":{"new":' in segments[3].content
    segments[0].content = segments[0].content.replace(b"canary", b"Canary")
    with pytest.raises(JournalDamaged, match=r"a was cut short at line 2, or replaced: .* run new saw"):
        read(segments)
