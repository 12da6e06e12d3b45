"""Opens CloudTrail's event history of accounts that were entered, at its own pace in each account and Region."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout.aws.read.imported_keys import ImportedKeys
from rollout.aws.read.key_trail import KeyTrail, RegionTrail, TrailRegions
from rollout.awsapi.calls import Calls
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import HOME_REGIONS, Connection
from rollout.workflows.ports import KeptActivity

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_iam import IAMClient

LOOKUPS_A_SECOND = 2
"""In an account and Region (aws-facts.md#doors-and-credentials-found-later)."""


@dataclass(frozen=True, slots=True)
class KeyEvidence:
    """What tells of the calls of access keys: CloudTrail, what was `kept` of it today, and an `imported` file.

    `regions`: where CloudTrail is asked, empty for the Regions in which IAM has seen the keys; None: it is not asked.
    `stopping`: whether the run was asked to stop.
    """

    regions: tuple[str, ...] | None = None
    kept: KeptActivity | None = None
    imported: ImportedKeys | None = None
    stopping: Callable[[], bool] = lambda: False


class TrailAccess:
    """Shared by all accounts: one client for each Region, and for one's own credentials another; thread-safe."""

    def __init__(
        self, connection: Connection, retries: Retries, partition: str, evidence: KeyEvidence
    ) -> None:
        """Keep the arguments; make no client yet."""
        self._connection, self._retries, self._evidence = connection, retries, evidence
        self._regions = TrailRegions(HOME_REGIONS.get(partition, HOME_REGIONS["aws"]), evidence.regions or ())
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

        evidence = self._evidence
        asks = open_region if self.asks else None
        return KeyTrail(
            calls, client, self._regions, asks, evidence.kept, evidence.imported, evidence.stopping
        )

    @property
    def asks(self) -> bool:
        """Whether CloudTrail is asked."""
        return self._evidence.regions is not None

    def at_home(self, *, own: bool) -> BaseClient | None:
        """Return the client for the home Region of the partition; None where CloudTrail is not asked."""
        return self._client(self._regions.home, own=own) if self.asks else None

    def _client(self, region: str, *, own: bool) -> BaseClient:
        with self._lock:
            if (region, own) not in self._clients:
                self._clients[region, own] = self._connection.trail(region, own=own)
            return self._clients[region, own]
