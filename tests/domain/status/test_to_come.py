"""On whom MFA is still to be enforced: not on those who are enforced, released, held, exempt or covered."""

from __future__ import annotations

import pytest

from rollout.domain.plan.entries import PlanEntry
from rollout.domain.progress.records import Enforcement
from rollout.domain.status.to_come import to_come
from rollout.domain.status.user_status import NOT_YET
from rollout.domain.verdicts.verdict import Impact, Kind
from tests.builders import a_membership, an_entry
from tests.domain.status.test_user_status import (
    BY_GROUP,
    a_release,
    an_enforcement_seen,
    brake,
    changes,
    remove,
    state_of,
)


def names(entry: PlanEntry, *records, unaffected_too: bool = False) -> list[str]:
    found = to_come([(entry, state_of(entry, *records))], unaffected_too=unaffected_too)
    return [one.user.name for one in found]


def test_enforcement_is_to_come_until_it_has_come():
    assert ["alice"] == names(an_entry())
    assert [] == names(an_entry(), *changes(a_membership()))
    assert [] == names(an_entry(enforced_by=BY_GROUP))


@pytest.mark.parametrize("released", [a_release(remove), a_release(brake)], ids=["user", "account"])
def test_it_does_not_come_to_whoever_is_released(released):
    assert [] == names(an_entry(), *changes(a_membership()), *released)


@pytest.mark.parametrize("verdict", [kind for kind in Kind if kind is not Kind.ENFORCE])
def test_it_comes_to_nobody_whom_the_plan_does_not_enforce(verdict: Kind):
    assert [] == names(an_entry(verdict=verdict))


@pytest.mark.parametrize("seen", list(Enforcement))
def test_a_look_at_aws_decides(seen: Enforcement):
    expected = ["alice"] if seen in NOT_YET else []
    assert expected == names(an_entry(), *changes(a_membership()), an_enforcement_seen(seen))


@pytest.mark.parametrize(
    ("impact", "unaffected_too", "needs"),
    [
        (Impact.NONE, False, False),
        (Impact.NONE, True, True),
        (Impact.CLI, False, True),
        (Impact.ENROL, False, True),
        (Impact.PASSKEY_ONLY, False, True),
    ],
)
def test_who_needs_a_notice_is_a_matter_of_the_setting(impact: Impact, unaffected_too: bool, needs: bool):
    entry = an_entry(impact=impact)
    (found,) = to_come([(entry, state_of(entry))], unaffected_too=unaffected_too)
    assert (needs, entry.facts.mfa_active, impact) == (found.needs_notice, found.has_device, found.impact)
