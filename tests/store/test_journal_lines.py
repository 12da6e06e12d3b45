"""A record a line, equal after a round trip, and clear about what it does not know."""

import json
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.policy.changes import Applied, CreatePolicy, Failed
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.records import (
    Before,
    GateRead,
    Intent,
    Reminded,
    Settled,
    Told,
)
from rollout.store.formats.journal_lines import BrokenLine, UnknownLine, line_of, moment_of, record_of
from tests.builders import ACCOUNT, NOW, POLICY, a_reminder, a_told
from tests.store import strategies


@given(strategies.some_records)
def test_any_record_is_equal_after_a_round_trip(record):
    line = line_of(record)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert record == record_of(line)
    assert record.at == moment_of(line)


def test_changes_and_outcomes_are_tagged():
    change = CreatePolicy(
        ACCOUNT, POLICY, "ForceMFA", "/rollout/", {"Version": "2012-10-17"}, {"plan": "k3f9"}
    )
    intent = json.loads(line_of(Intent("run-1", NOW, 1, change, Before.ABSENT)))
    settled = json.loads(line_of(Settled("run-1", NOW, "run-1", 1, Applied("req-1"))))

    assert intent["type"] == "Intent"
    assert intent["change"]["type"] == "CreatePolicy"
    assert intent["change"]["document"] == {"Version": "2012-10-17"}
    assert settled["outcome"] == {
        "type": "Applied",
        "request_id": "req-1",
        "attempts": 1,
        "unconfirmed": False,
        "made": "",
    }


def test_a_document_may_be_any_mapping():
    change = CreatePolicy(
        ACCOUNT, POLICY, "x", "/", MappingProxyType({"a": [1, {"b": None}]}), MappingProxyType({})
    )
    record = record_of(line_of(Intent("run-1", NOW, 1, change, Before.ABSENT)))

    assert isinstance(record, Intent)
    assert record.change == change


@pytest.mark.parametrize("result", ["pass", "fail", "inconclusive"])
def test_what_a_gate_said_to_an_earlier_version_is_read_and_written_as_it_was(result):
    line = (
        b'{"type":"GateRead","run":"run-1","at":"2026-11-24T09:00:00Z","wave":"rest","gate":"soak",'
        b'"result":"%s","detail":"x"}\n' % result.encode()
    )
    record = record_of(line)
    assert isinstance(record, GateRead)
    assert Result(result) is record.result
    assert line == line_of(record)


def test_outcomes_that_look_alike_stay_apart():
    record = record_of(line_of(Settled("run-1", NOW, "run-1", 1, Failed("no", 2))))

    assert isinstance(record, Settled)
    assert record.outcome == Failed("no", 2)


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{", b'{"type": "Intent"', b"[]", b"1", b"\x00\x00", b"\xff", b"{}}"]
)
def test_what_is_no_record_is_broken(line):
    with pytest.raises(BrokenLine):
        record_of(line)
    with pytest.raises(BrokenLine):
        moment_of(line)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"type": "WaveMoved"}, 'type "WaveMoved"'),
        ({"type": None}, 'type "None"'),
        ({"type": ["Intent"]}, "type"),
        ({"colour": "red"}, '"colour" in a record of type "Settled"'),
        ({"number": "many"}, '"number"'),
        ({"outcome": {"type": "Postponed"}}, 'type "Postponed"'),
        ({"outcome": {"type": "Failed"}}, '"why"'),
    ],
)
def test_what_a_newer_version_wrote_is_unknown(change, told):
    line = json.loads(line_of(Settled("run-1", NOW, "run-1", 1, Failed("no")))) | change

    with pytest.raises(UnknownLine, match=told):
        record_of(json.dumps(line).encode())


@given(strategies.some_records, st.data())
def test_no_beginning_of_a_line_reads_as_a_record(record, data):
    line = line_of(record).rstrip(b"\n")
    cut = data.draw(st.integers(0, len(line) - 1))

    with pytest.raises(BrokenLine):
        record_of(line[:cut])


@pytest.mark.parametrize("sent", [a_told("alice"), a_reminder("alice")])
def test_a_day_that_an_earlier_version_told_is_read_as_begun_everywhere(sent: Told | Reminded):
    line = json.loads(line_of(sent)) | {"due": "2026-12-08"}
    read = record_of(json.dumps(line).encode())
    assert isinstance(read, Told | Reminded)
    assert datetime(2026, 12, 8, 12, tzinfo=UTC) == read.due


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("at", "2026-11-24T09:00:00", '"at" in a record of type "Told" has no time zone'),
        ("at", "9999-12-31T23:59:59Z", '"at" in a record of type "Told" is out of all bounds'),
        ("due", "9999-12-31", '"due" in a record of type "Told" is out of all bounds'),
        ("due", "2026-12-08T00:00:00", '"due" in a record of type "Told" has no time zone'),
        ("due", "tomorrow", '"due" in a record of type "Told": Input should be a valid datetime'),
        ("due", "0001-01-01", '"due" in a record of type "Told" is out of all bounds'),
    ],
)
def test_times_that_nothing_can_be_reckoned_with_are_told(field: str, value: str, why: str):
    line = json.loads(line_of(a_told("alice"))) | {field: value}
    with pytest.raises(UnknownLine, match=why):
        record_of(json.dumps(line).encode())
