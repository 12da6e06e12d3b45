"""Provides AWS's time instead of this machine's, so that gates and dates do not depend on who runs the command."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rollout.aws.connect.identity import WhoAmI


class AwsClock:
    """Implements `Clock`: the `Date` header of the `GetCallerIdentity` response, plus the time elapsed since."""

    def __init__(
        self,
        who: WhoAmI,
        monotonic: Callable[[], float] = time.monotonic,
        local: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep the arguments; make no call yet. `monotonic` must be the counter that `who` uses."""
        self._who = who
        self._monotonic = monotonic
        self._local = local

    def now(self) -> datetime:
        """Return AWS's time in UTC. The first call asks AWS: raises NoCredentials, ExpiredCredentials, AwsFailure."""
        answer = self._who.response()
        if answer.aws_time is None:
            return self._local()
        return answer.aws_time + timedelta(seconds=self._monotonic() - answer.received_at)

    def skew(self) -> timedelta:
        """Return how far this machine's clock is ahead of AWS's; beyond five minutes AWS rejects signatures."""
        return self._local() - self.now()
