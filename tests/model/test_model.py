"""The model, briefly and always the same; `make soak` runs it for long."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

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
