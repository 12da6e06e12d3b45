"""CSV cells: no program runs them, and they read back as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.verdicts.verdict import Kind
from rollout.reporting.cells import (
    CODE,
    COUNT,
    DAY,
    FLAG,
    LIST,
    NUMBER,
    SHARE,
    TEXT,
    TIME,
    defuse,
    restore,
)

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")

texts = st.one_of(st.text(), st.text(alphabet="=+-@\t\r\n'\",;a"))


@given(texts)
def test_no_cell_starts_with_a_sign_that_programs_run(text):
    assert not defuse(text).startswith(DANGEROUS)


@given(texts)
def test_a_defused_text_is_restored_as_it_was(text):
    assert text == restore(defuse(text))


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        (COUNT, None, ""),
        (TIME, None, ""),
        (DAY, None, ""),
        (SHARE, None, ""),
        (FLAG, True, "true"),
        (FLAG, False, "false"),
        (NUMBER, 0, "0"),
        (SHARE, 66.6, "66.6"),
        (CODE, Kind.HOLD, "hold"),
        (TEXT, "012345678901", "012345678901"),
        (LIST, (), ""),
        (LIST, ("a", "b"), "a; b"),
        (LIST, ("=a",), "'=a"),
        (DAY, date(2026, 11, 24), "2026-11-24"),
        (TIME, datetime(2026, 11, 24, 9, 0, 0, 999999, tzinfo=UTC), "2026-11-24T09:00:00Z"),
        (
            TIME,
            datetime(2026, 11, 24, 14, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            "2026-11-24T09:00:00Z",
        ),
    ],
)
def test_each_type_has_one_spelling(type_, value, expected):
    assert expected == type_.cell(value)
