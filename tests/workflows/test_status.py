"""Where each wave stands, from plan and journal alone (design.md#commands)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rollout.domain.plan.entries import AccountPlan
from rollout.domain.plan.waves import Wave
from rollout.domain.progress.messages import Delivery
from rollout.workflows.status import WaveState, wave_states
from tests.builders import an_exemption
from tests.fakes import FakeStoredPlan
from tests.workflows.world import SOAK, World, a_cli_user, a_person


def stands(world: World, **more: Any) -> dict[str, WaveState]:
    """The states of the waves, which are the same whether accounts are read or counted by their outlines."""
    by_outline, by_reading = (states(world, names=names, **more) for names in (False, True))
    assert by_outline == [replace(stand, to_come=()) for stand in by_reading]
    return {stand.wave: stand for stand in by_reading}


def states(world: World, *, names: bool, **more: Any) -> list[WaveState]:
    return wave_states(
        world.plans.kept[-1],
        world.done,
        world.clock.now(),
        notified=replace(world.notice_rule, **more),
        gates=world.gates.changed(soak=SOAK),
        names=names,
    )


def next_of(world: World) -> dict[str, tuple[str, str]]:
    return {wave: (stand.next_step, stand.waits_for) for wave, stand in stands(world).items()}


def two_waves() -> World:
    return World(a_cli_user("carl"), a_person("alice"), a_cli_user("zed"), canary=["carl", "alice"])


def test_a_plan_that_was_not_rehearsed_waits_for_the_rehearsal():
    world = two_waves()
    world.plan()
    assert {("notify", "this plan has not been rehearsed: apply --stage dry-run first")} == set(
        next_of(world).values()
    )


def test_a_rehearsed_wave_is_to_be_told():
    world = two_waves().planned()
    assert {"canary": ("notify", ""), "rest": ("notify", "")} == next_of(world)
    assert (2, 0, 0) == numbers(stands(world)["canary"])


def numbers(stand: WaveState) -> tuple[int, int, int]:
    return stand.users, stand.told, stand.enforced


def test_a_told_wave_waits_for_its_day():
    world = two_waves().planned()
    world.notify()
    step, waits = next_of(world)["canary"]
    assert "enforce" == step
    assert "1 user: told for 2026-12-08 12:00 UTC" == waits
    assert (2, 1, 0) == numbers(stands(world)["canary"])
    assert world.clock.now() == stands(world)["canary"].notified_at


def test_a_ripe_wave_waits_for_nothing():
    assert ("enforce", "") == next_of(two_waves().ripe())["canary"]


def test_the_next_wave_waits_for_the_one_before_and_for_the_soak():
    world = two_waves().ripe()
    assert ("enforce", 'wave "canary" is not enforced yet') == next_of(world)["rest"]
    world.enforce()
    assert ("done", "") == next_of(world)["canary"]
    assert "soak of 3 days ends 2026-12-12 09:00 UTC" in next_of(world)["rest"][1]
    assert ("enforce", "") == next_of(world.days_pass(3))["rest"]


def test_a_carried_wave_is_done_and_says_since_when():
    world = two_waves().ripe()
    world.enforce()
    stand = stands(world)["canary"]
    assert (2, 1, 2) == numbers(stand)
    assert world.clock.now() == stand.enforced_at


def test_a_carried_wave_counts_who_was_left_alone():
    world = two_waves().ripe()
    world.exempt(an_exemption(world.person("alice").arn))
    world.enforce()
    assert ("done", "1 late or skipped") == next_of(world)["canary"]


def test_a_queued_message_has_told_nobody():
    world = two_waves().planned()
    world.notifier.delivery = Delivery.QUEUED
    world.notify()
    assert (1, 0) == (stands(world)["canary"].queued, stands(world)["canary"].told)
    assert "1 user: the notice is queued, not known to be delivered" == next_of(world)["canary"][1]


def test_a_message_that_failed_has_told_nobody():
    world = two_waves().planned()
    world.notifier.failing = frozenset({"carl@example.com"})
    world.notify()
    assert 0 == stands(world)["canary"].told
    assert "the notice could not be sent" in next_of(world)["canary"][1]


def test_who_needs_no_notice_is_not_waited_for_unless_the_operator_wants_it():
    world = two_waves().planned()
    world.notify()
    world.days_pass(15)
    assert "" == stands(world)["canary"].waits_for
    assert "1 user: not told yet" in stands(world, unaffected_too=True)["canary"].waits_for


def test_a_wave_without_users_has_nothing_to_come():
    world = two_waves()
    world.waves = (*world.waves, Wave("never"))
    world.planned()
    assert ("", "") == next_of(world)["never"]


def test_who_was_exempt_meanwhile_waits_for_a_fresh_notice():
    """As enforcement itself would say."""
    world = World(a_cli_user("carl"), a_cli_user("zed")).planned()
    world.notifier.failing = frozenset({"zed@example.com"})
    world.notify()
    world.notifier.failing = frozenset()
    world.days_pass(10).notify()
    assert "2 users" in stands(world)["rest"].waits_for
    world.days_pass(5)
    assert "1 user" in stands(world)["rest"].waits_for
    world.exempt(an_exemption(world.person("carl").arn, days=20))
    world.enforce()
    world.exempt()
    assert "2 users" in stands(world)["rest"].waits_for


def test_where_a_wave_stands_can_be_told_as_json():
    world = two_waves().ripe()
    told = json.loads(json.dumps(stands(world)["canary"].as_dict(), default=str))
    assert {
        "wave",
        "users",
        "queued",
        "told",
        "enforced",
        "released",
        "next_step",
        "waits_for",
        "notified_at",
        "enforced_at",
        "gates",
        "approved",
        "enforced_by",
        "impact",
    } == set(told)


def test_asking_wave_states_writes_nothing():
    world = two_waves().ripe()
    kept = list(world.journal.kept)
    stands(world)
    assert kept == world.journal.kept
    assert [] == [change for change in world.attempted if "ForceMFAEnrolment" not in str(change)]


def test_an_account_of_which_the_journal_knows_nothing_is_not_read():
    world = two_waves().planned()
    stored = world.plans.kept[-1]
    world.plans.kept[-1] = Unreadable(stored.header, stored.parts)
    assert [2, 1] == [stand.users for stand in states(world, names=False)]


class Unreadable(FakeStoredPlan):
    def accounts(self, only: frozenset[str] | None = None) -> Iterator[AccountPlan]:
        raise AssertionError(f"read {only}")
