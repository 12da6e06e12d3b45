"""Two clocks: this machine's, for locks and processes; and the one that offline commands decide by."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from rollout.aws.connect import offline_clock


class LocalClock:
    """This machine's clock: for locks, which are about processes and not about decisions."""

    def now(self) -> datetime:
        """Return this machine's time, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - locks are about processes; wiring chooses this clock for them


def offline_now() -> datetime:
    """Decision time for commands that ask AWS nothing: that of an endpoint on this machine, else the clock."""
    return offline_clock.offline_now(os.environ)
