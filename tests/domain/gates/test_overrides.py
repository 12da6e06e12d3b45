"""Which override still holds: one of an answer about a single moment holds for its run alone."""

from __future__ import annotations

import pytest

from rollout.domain.gates import gate_named, override_in_force
from rollout.domain.progress.records import Deadlocked, Record, WaveUndone
from tests.builders import NOW, ORGANIZATION, a_progress, a_ref, a_run, an_override, days_ago

ORDER = ("canary", "rest")
CHECKSUM = "sha256:" + "c" * 64


def holds(gate: str, *more: Record, wave: str = "rest", checksum: str = CHECKSUM) -> bool:
    given = an_override(gate, wave="rest", at=days_ago(2))
    progress = a_progress(a_run(at=days_ago(2)), given, *more)
    found = override_in_force(progress, ORDER, wave, gate_named(gate), checksum)
    assert found in (None, given)
    return found is not None


def disturbed(wave: str, days: float) -> Deadlocked:
    return Deadlocked("verify-1", days_ago(days), ORGANIZATION, a_ref("bob"), wave, "deadlock")


@pytest.mark.parametrize(
    ("gate", "stands", "under_another_plan"),
    [
        ("soak", True, True),
        ("enrolment", True, True),
        ("cli_moved", True, True),
        ("dry_run_done", True, False),
        ("approval", True, False),
        ("failure_tolerance", False, False),
        ("window", False, False),
    ],
)
def test_an_override_outlives_its_run(gate: str, stands: bool, under_another_plan: bool):
    assert stands == holds(gate)
    assert under_another_plan == holds(gate, checksum="sha256:other")


def test_an_override_is_of_its_wave():
    assert not holds("soak", wave="canary")


def test_a_soak_overridden_before_the_wave_ahead_was_disturbed_holds_no_more():
    assert not holds("soak", disturbed("canary", 1))
    assert holds("soak", disturbed("canary", 3))
    assert holds("enrolment", disturbed("canary", 1))


def test_an_override_ends_with_the_rollback_of_its_wave():
    undone = WaveUndone("run-1", NOW, "rest")
    assert not holds("soak", undone)
    assert not holds("enrolment", undone)


def test_a_gate_that_this_version_does_not_know_is_let_through_by_nobody():
    assert not holds("phase_of_the_moon")


def test_the_newest_override_counts():
    newest = an_override("soak", "again", at=NOW)
    progress = a_progress(
        a_run(at=days_ago(2)), an_override("soak", at=days_ago(2)), disturbed("canary", 1), newest
    )
    assert newest == override_in_force(progress, ORDER, "rest", gate_named("soak"), CHECKSUM)
