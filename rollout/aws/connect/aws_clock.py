"""Decides by AWS's time, not by this machine's: gates and dates are the same whoever runs the command."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rollout.aws.connect.identity import WhoAmI


class AwsClock:
    """Fills `Clock`: the `Date` header of the `GetCallerIdentity` answer, plus what has gone by since."""

    def __init__(
        self,
        who: WhoAmI,
        monotonic: Callable[[], float] = time.monotonic,
        local: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Ask nothing yet. `monotonic` must be the counter that `who` goes by."""
        self._who = who
        self._monotonic = monotonic
        self._local = local

    def now(self) -> datetime:
        """Tell the time. The first call asks AWS: raises NoCredentials, ExpiredCredentials, AwsFailure."""
        answer = self._who.introduction()
        if answer.said_at is None:
            return self._local()
        return answer.said_at + timedelta(seconds=self._monotonic() - answer.heard_at)

    def skew(self) -> timedelta:
        """How far this machine's clock is ahead of AWS's; beyond five minutes AWS refuses signatures."""
        return self._local() - self.now()
