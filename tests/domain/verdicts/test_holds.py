"""Every reason to hold has its cure."""

from __future__ import annotations

from rollout.domain.verdicts.holds import CURES
from rollout.domain.verdicts.verdict import Code

NO_HOLDS = {
    Code.EXEMPTION,
    Code.OTHER_DENY,
    Code.HAS_MFA,
    Code.NO_MFA,
    Code.NO_CREDENTIALS,
    Code.KEYS_IN_USE,
    Code.PASSKEY_ONLY,
    Code.ENROLMENT_POLICY,
    Code.OWNER_DECIDED,
}


def test_every_code_is_either_a_hold_with_a_cure_or_none():
    assert set(Code) - NO_HOLDS == set(CURES)


def test_no_cure_asks_for_the_impossible():
    assert all(cure and "TODO" not in cure for cure in CURES.values())
