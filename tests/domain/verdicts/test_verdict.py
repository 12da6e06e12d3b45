"""The words of a judgement keep their order and their spelling: plans and notices are made of them."""

from __future__ import annotations

import pytest

from rollout.domain.verdicts.verdict import Code, Impact, Kind, Reason, Verdict
from tests.builders import a_reason

MILDEST_FIRST = (Impact.NONE, Impact.CLI, Impact.ENROL, Impact.PASSKEY_ONLY)


@pytest.mark.parametrize("told", MILDEST_FIRST)
@pytest.mark.parametrize("now", MILDEST_FIRST)
def test_an_impact_is_worse_than_every_milder_one(now: Impact, told: Impact):
    assert (MILDEST_FIRST.index(now) > MILDEST_FIRST.index(told)) == now.worse_than(told)


def test_the_codes_stand_once_each_in_the_order_in_which_they_were_found():
    reasons = (a_reason("unknown"), a_reason("machine"), Reason(Code.UNKNOWN, "another"))
    assert (Code.UNKNOWN, Code.MACHINE) == Verdict(Kind.HOLD, reasons).codes


def test_the_words_are_those_of_the_design():
    assert ["exempt", "covered", "hold", "enforce"] == [str(kind) for kind in Kind]
    assert ["none", "cli", "enrol", "passkey-only"] == [str(impact) for impact in Impact]
    held = {"machine", "first-sign-in", "cannot-enrol", "no-slot", "unreached", "is-operator", "break-glass"}
    assert held | {"name-clash", "unknown"} <= {str(code) for code in Code}
