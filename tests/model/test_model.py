"""The model, briefly and always the same; `make soak` runs it for long."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from rollout.domain.progress.stages import Stage
from tests.model.machine import Model


def test_the_promises_are_kept_whatever_people_and_operators_do():
    briefly = settings(
        max_examples=15,
        stateful_step_count=12,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Model, settings=briefly)


def test_who_is_put_back_by_hand_under_a_brake_comes_back_when_it_ends():
    """Found by a soak (--seed 200043): what one hand took out, another put back, and only the release lasts."""
    model = Model()
    model.begin("enforced")
    number, olga = next((n, user) for n, user in enumerate(model.org.users) if user.name == "olga")
    model.is_removed_by_hand(number)
    model.release("all", 0, 1, 0)
    model.is_put_back_by_hand(number)
    model.apply(Stage.ENFORCE, 0)
    assert olga.id not in model.org.denied
    model.time_passes(timedelta(hours=2))
    model.apply(Stage.ENFORCE, 0)
    assert olga.id in model.org.denied
    model.nobody_released_is_enforced()
