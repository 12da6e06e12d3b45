"""The figures of an impact: who counts where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.domain.plan.impact_counts import Affected, ImpactCounts, count_impact, impact_by_wave
from rollout.domain.verdicts.verdict import Impact
from tests.builders import a_ref


def one(impact: Impact, *, has_device: bool = True, needs_notice: bool = True) -> Affected:
    return Affected(a_ref(), "canary", impact, has_device, needs_notice)


@pytest.mark.parametrize(
    ("affected", "counts"),
    [
        (one(Impact.ENROL, has_device=False), ImpactCounts(enrol=1, without_device=1)),
        (one(Impact.PASSKEY_ONLY), ImpactCounts(enrol=1)),
        (one(Impact.CLI), ImpactCounts(cli=1)),
        (one(Impact.NONE), ImpactCounts(nothing=1)),
        (one(Impact.NONE, has_device=False, needs_notice=False), ImpactCounts(nothing=1, no_notice=1)),
    ],
    ids=str,
)
def test_everybody_counts_once_by_what_it_means_to_them(affected: Affected, counts: ImpactCounts):
    assert counts == count_impact([affected])
    assert 1 == counts.users


def test_no_impact_is_forgotten():
    assert len(Impact) == count_impact(one(impact) for impact in Impact).users


def test_waves_keep_their_order_and_their_zeros():
    rest = replace(one(Impact.CLI), wave="rest")
    found = impact_by_wave([rest, one(Impact.NONE), rest], ("canary", "middle", "rest"))
    assert [("canary", 1), ("middle", 0), ("rest", 2)] == [
        (wave, counts.users) for wave, counts in found.items()
    ]


def test_the_sentence_has_every_figure():
    said = ImpactCounts(enrol=11, without_device=12, cli=13, nothing=14, no_notice=15).sentence
    assert all(str(number) in said for number in range(11, 16))
