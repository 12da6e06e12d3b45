"""Sends findings to AWS Security Hub, in the account of the caller and with the caller's own credentials.

BatchImportFindings takes at most 100 findings and 6 MB in a call, 240 KB each, and only those whose `AwsAccountId` is
the account that calls (https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html).
So each is sent as one of the caller's account; its resource is the user, in whatever account. To send a finding again
updates it, so a call whose answer was lost is simply repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.operations import operation_named
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.errors import AwsFailure

MOST_IN_A_CALL = 100
MOST_BYTES_IN_A_CALL = 5_000_000
"""Below the 6 MB that are allowed: the request is spelled a little longer than this counts."""
LARGEST = 240_000
_IMPORT = operation_named("securityhub", "BatchImportFindings")


@dataclass(frozen=True, slots=True)
class SentFindings:
    """How many were taken, and which were not, each with the reason."""

    taken: int
    refused: tuple[tuple[str, str], ...] = ()


class SecurityHub:
    """Security Hub of one account and Region."""

    def __init__(self, connection: Connection, retries: Retries, account_id: str, partition: str) -> None:
        """Ask nothing yet."""
        self._client = connection.for_notices("securityhub")
        self._retries, self.account_id, self.region = retries, account_id, connection.region
        place = f"arn:{partition}:securityhub:{self.region}:{account_id}"
        self._product = f"{place}:product/{account_id}/default"

    def send(self, lines: Iterable[bytes]) -> SentFindings:
        """Send findings, a line of JSON each. Raises AwsFailure when a call is refused."""
        taken = 0
        refused: list[tuple[str, str]] = []
        for batch in _batches(map(self._own, lines), refused):
            answer = self._import(batch)
            taken += int(answer.get("SuccessCount", 0))
            refused += [
                (str(one.get("Id", "")), f"{one.get('ErrorCode', '')}: {one.get('ErrorMessage', '')}")
                for one in answer.get("FailedFindings", ())
            ]
        return SentFindings(taken, tuple(refused))

    def _own(self, line: bytes) -> dict[str, Any]:
        finding: dict[str, Any] = json.loads(line)
        return finding | {"AwsAccountId": self.account_id, "ProductArn": self._product}

    def _import(self, batch: list[dict[str, Any]]) -> Mapping[str, Any]:
        request: CallRequest[Mapping[str, Any]] = CallRequest(
            lambda: self._client.batch_import_findings(Findings=batch),
            _IMPORT,
            self.account_id,
            self._retries.pace(),
            CallCounts(),
            own_credentials=True,
        )
        try:
            return self._retries.call(request).value
        except CallFailed as failed:
            raise AwsFailure(
                f"Security Hub in account {self.account_id}, {self.region}, took no findings: {failed.code}: "
                f"{one_line(failed.message)}",
                cure=failed.cure
                or "switch Security Hub on there, and allow this identity securityhub:BatchImportFindings",
            ) from failed


def _batches(
    findings: Iterable[dict[str, Any]], refused: list[tuple[str, str]]
) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for one in findings:
        length = len(json.dumps(one))
        if length > LARGEST:
            refused.append((str(one["Id"]), f"has {length:,} bytes; {LARGEST:,} are allowed"))
            continue
        if len(batch) == MOST_IN_A_CALL or size + length > MOST_BYTES_IN_A_CALL:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch
