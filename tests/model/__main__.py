"""`make soak`: the model for minutes, with other examples each time."""

from __future__ import annotations

import argparse
import sys
import time
from random import SystemRandom

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Model


def main() -> None:
    """Run batch after batch, each with its seed, until the time is over or a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--examples", type=int, default=50, help="in each batch")
    parser.add_argument("--steps", type=int, default=40, help="in each example")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    options = parser.parse_args()
    batch = settings(
        max_examples=options.examples,
        stateful_step_count=options.steps,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    begun, number = time.monotonic(), options.seed
    while True:
        shape = f"--examples {options.examples} --steps {options.steps}"
        sys.stdout.write(f"python -m tests.model --seed {number} {shape} --minutes 0\n")
        sys.stdout.flush()
        run_state_machine_as_test(seed(number)(Model), settings=batch)
        number += 1
        if time.monotonic() - begun >= options.minutes * 60:
            break
    batches = number - options.seed
    sys.stdout.write(f"{batches} batches of {options.examples} examples: every promise was kept.\n")


if __name__ == "__main__":
    main()
