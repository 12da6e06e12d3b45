"""Provides AWS's time instead of this machine's, so that gates and dates do not depend on who runs the command."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from rollout.aws.connect.identity import WhoAmI
from rollout.awsapi.retries import Dated
from rollout.errors import RolloutError

log = logging.getLogger(__name__)

TOLERANCE = timedelta(minutes=1)
"""By how much clocks may differ before AWS's time is taken anew."""


class AwsClock:
    """Implements `Clock`: the time in a response of AWS, plus the time elapsed since by our monotonic counter.

    The counter stands still while the machine sleeps, and this machine's clock does not. When the two differ, AWS is
    asked again; from then on, a response that contradicts our time replaces it. Time never goes back.
    """

    def __init__(self, who: WhoAmI) -> None:
        """Make no call yet. The counter and the clock of this machine are those of the `Retries` that `who` uses."""
        self._who = who
        self._retries = who.retries
        self._lock = threading.Lock()
        self._base: Dated | None = None
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._asked_at = timedelta(0)  # how far counter and clock had parted when AWS was last asked for that

    def now(self) -> datetime:
        """Return AWS's time in UTC. The first call asks AWS: raises NoCredentials, ExpiredCredentials, AwsFailure."""
        self._who.caller()
        with self._lock:
            newest = self._newest()
            if newest is None:
                return self._retries.now()
            if self._base is None or abs(newest.said_at - self._at(newest.heard_at, self._base)) > TOLERANCE:
                self._base = newest
            self._latest = max(self._latest, self._at(self._retries.monotonic(), self._base))
            return self._latest

    def skew(self) -> timedelta | None:
        """Return how far this machine's clock is ahead of AWS's; beyond five minutes AWS rejects signatures.

        None if AWS's responses contain no time.
        """
        now = self.now()
        return self._retries.now() - now if self._retries.newest else None

    def _newest(self) -> Dated | None:
        """Return the newest response's time; call AWS first if the machine slept since, or its clock was set."""
        newest = self._retries.newest
        if newest is None:
            return None
        counted = timedelta(seconds=self._retries.monotonic() - newest.heard_at)
        apart = self._retries.now() - newest.local - counted
        if min(abs(apart), abs(apart - self._asked_at)) > TOLERANCE:
            self._asked_at = apart
            try:
                self._who.ask()
            except RolloutError as problem:
                # No change can be made now either, and the next response contains the time.
                log.warning("AWS cannot be asked for the time: %s", problem)
        return self._retries.newest

    @staticmethod
    def _at(counter: float, base: Dated) -> datetime:
        return base.said_at + timedelta(seconds=counter - base.heard_at)
