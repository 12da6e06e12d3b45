"""CSV cells: no program runs them, and they read back as they were."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.verdicts.verdict import Kind
from rollout.reporting.tables import cell, csv_of, defuse, restore

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")

texts = st.one_of(st.text(), st.text(alphabet="=+-@\t\r\n'\",;a"))


@dataclass(frozen=True)
class ARow:
    name: str
    words: tuple[str, ...]
    flag: bool
    number: int | None


@given(texts)
def test_no_cell_starts_with_a_sign_that_programs_run(text):
    assert not defuse(text).startswith(DANGEROUS)


@given(texts)
def test_a_defused_text_is_restored_as_it_was(text):
    assert text == restore(defuse(text))


@given(
    st.lists(st.builds(ARow, texts, st.lists(texts).map(tuple), st.booleans(), st.none() | st.integers(0)))
)
def test_a_table_reads_back_equal(rows):
    table = "".join(csv_of(ARow, rows))
    lines = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [row.name for row in rows] == [restore(line["name"]) for line in lines]
    assert ["; ".join(row.words) for row in rows] == [restore(line["words"]) for line in lines]
    assert [row.flag for row in rows] == [line["flag"] == "true" for line in lines]
    assert [row.number for row in rows] == [int(line["number"]) if line["number"] else None for line in lines]
    assert not any(value.startswith(DANGEROUS) for line in lines for value in line.values())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (66.6, "66.6"),
        (Kind.HOLD, "hold"),
        ("012345678901", "012345678901"),
        ((), ""),
        (("a", "b"), "a; b"),
        (("=a",), "'=a"),
        (date(2026, 11, 24), "2026-11-24"),
        (datetime(2026, 11, 24, 9, 0, 0, 999999, tzinfo=UTC), "2026-11-24T09:00:00Z"),
        (
            datetime(2026, 11, 24, 14, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            "2026-11-24T09:00:00Z",
        ),
    ],
)
def test_each_kind_of_value_has_one_spelling(value, expected):
    assert expected == cell(value)


def test_every_cell_is_quoted_and_lines_end_with_lf():
    assert '"name","words","flag","number"\n"a","b","true",""\n' == "".join(
        csv_of(ARow, [ARow("a", ("b",), True, None)])
    )


def test_a_long_table_comes_in_pieces():
    pieces = list(csv_of(ARow, [ARow("a", (), False, 1)] * 5_000))
    assert 1 < len(pieces) < 10
    assert 5_001 == "".join(pieces).count("\n")
