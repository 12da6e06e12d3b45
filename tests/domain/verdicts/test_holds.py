"""Every reason has its row: the verdict it leads to, what it means, and the cure where it holds somebody back."""

from __future__ import annotations

import pytest

from rollout.domain.verdicts.verdict import Code, Kind, ReasonRow
from rollout.reporting import legend
from tests.docs import reasons


@pytest.mark.parametrize("code", Code)
def test_a_reason_has_a_cure_where_it_holds_and_nowhere_else(code: Code):
    assert (code.leads_to is Kind.HOLD) == bool(code.cure)
    assert "TODO" not in code.cure


@pytest.mark.parametrize("code", Code)
def test_a_reason_is_in_the_legend_and_in_the_docs(code: Code):
    assert code.meaning == legend.REASONS[code]
    (line,) = (line for line in reasons().splitlines() if line.startswith(f"| `{code}` "))
    assert code.meaning in line


def test_a_reason_is_found_by_its_name_and_is_text():
    assert Code.NO_SLOT is Code("no-slot")
    assert "no-slot" == f"{Code.NO_SLOT}"


def test_a_new_reason_is_one_row():
    class More(ReasonRow):
        ON_LEAVE = "on-leave", Kind.HOLD, "Is on leave.", "wait for them to come back"

    assert "wait for them to come back" == More.ON_LEAVE.cure
    assert "| `on-leave` | `hold` | Is on leave. | wait for them to come back |" in reasons([*Code, *More])
