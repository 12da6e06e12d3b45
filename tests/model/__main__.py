"""`make soak`: the model and the tampered store for minutes, with other examples each time."""

from __future__ import annotations

import argparse
import sys
import time
from random import SystemRandom

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Model
from tests.model.tampering import tamper_at_random


def main() -> None:
    """Run batch after batch, each with its seed, until the time is over or a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--examples", type=int, default=50, help="in each batch")
    parser.add_argument("--steps", type=int, default=40, help="in each example")
    parser.add_argument(
        "--tamperings", type=int, default=30, help="examples of a tampered store in each batch"
    )
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
        shape = f"--examples {options.examples} --steps {options.steps} --tamperings {options.tamperings}"
        sys.stdout.write(f"python -m tests.model --seed {number} {shape} --minutes 0\n")
        sys.stdout.flush()
        run_state_machine_as_test(seed(number)(Model), settings=batch)
        if options.tamperings:
            tamper_at_random(number, settings(batch, max_examples=options.tamperings))
        number += 1
        if time.monotonic() - begun >= options.minutes * 60:
            break
    batches = number - options.seed
    examples = f"{options.examples} examples, and {options.tamperings} of a tampered store"
    sys.stdout.write(f"{batches} batches of {examples}: every promise was kept.\n")


if __name__ == "__main__":
    main()
