"""Opens CloudTrail's event history of accounts that were entered, at its own pace in each account and Region."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from rollout.aws.read.key_trail import KeyTrail, RegionTrail, TrailRegions
from rollout.awsapi.calls import Calls
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import HOME_REGIONS, Connection

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_iam import IAMClient

LOOKUPS_A_SECOND = 2
"""In an account and Region (aws-facts.md#doors-and-credentials-found-later)."""


class TrailAccess:
    """Shared by all accounts: one client for each Region, and for one's own credentials another; thread-safe.

    `chosen` are the Regions to ask in; empty: those in which IAM has seen the keys.
    """

    def __init__(
        self, connection: Connection, retries: Retries, partition: str, chosen: tuple[str, ...]
    ) -> None:
        """Keep the arguments; make no client yet."""
        self._connection, self._retries = connection, retries
        self._regions = TrailRegions(HOME_REGIONS.get(partition, HOME_REGIONS["aws"]), chosen)
        self._clients: dict[tuple[str, bool], BaseClient] = {}
        self._paces: dict[tuple[str, str], Pace] = {}
        self._lock = threading.Lock()

    def of_keys(self, calls: Calls, client: IAMClient) -> KeyTrail:
        """Begin a look at what the access keys of an account call; `calls` and `client` are those of its IAM."""

        def open_region(region: str) -> RegionTrail:
            with self._lock:
                # Entering an account again does not reset AWS's rate limits, so its bucket is kept.
                place = (calls.account_id, region)
                pace = self._paces.setdefault(place, self._retries.pace(LOOKUPS_A_SECOND))
            return RegionTrail(replace(calls, pace=pace), self._client(region, own=calls.identity.own))

        return KeyTrail(calls, client, self._regions, open_region)

    def at_home(self, *, own: bool) -> BaseClient:
        """Return the client for the home Region of the partition."""
        return self._client(self._regions.home, own=own)

    def _client(self, region: str, *, own: bool) -> BaseClient:
        with self._lock:
            if (region, own) not in self._clients:
                self._clients[region, own] = self._connection.trail(region, own=own)
            return self._clients[region, own]
