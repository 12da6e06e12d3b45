"""docs/reports.md says what the columns and codes themselves say."""

from __future__ import annotations

import os

from tests.reporting.docs import PAGE, written


def test_the_reference_is_made_from_the_columns_and_codes():
    """After a wanted change: UPDATE_GOLD=1 pytest tests/reporting, and read the difference."""
    expected = written()
    if os.environ.get("UPDATE_GOLD"):
        PAGE.write_text(expected)
    assert expected == PAGE.read_text()
