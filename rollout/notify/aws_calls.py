"""Makes the AWS calls of a channel: in the table of operations, paced, repeated where that is safe, translated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import operation_named
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import MAIL, Retries
from rollout.errors import ChannelUnusable

T = TypeVar("T")


class ChannelCalls:
    """The calls of one service.

    Raises CallFailed, AnswerLost (the message was perhaps sent), NoCredentials, AwsFailure.
    """

    def __init__(self, service: str, client: Any, retries: Retries | None = None) -> None:
        """Make no call yet."""
        self.service, self.client = service, client
        self.retries = retries or Retries(MAIL)
        self.pace: Pace = self.retries.pace()

    def call(self, operation: str, make: Callable[[], T]) -> T:
        """Make one call."""
        request = CallRequest(
            make,
            operation_named(self.service, operation),
            "",
            self.pace,
            CallCounts(),
            own_credentials=True,
        )
        return self.retries.call(request).value


def unusable(what: str, failed: CallFailed, action: str, cure: str = "") -> ChannelUnusable:
    """Say that a channel cannot be used for what a call answered; `what` failed and needed `action`."""
    why = f"{what}: {failed.code}: {one_line(failed.message)}"
    if failed.fault is Fault.DENIED:
        return ChannelUnusable(why, cure=f"allow this identity {action}")
    return ChannelUnusable(why, cure=cure or failed.cure or "see whether the service works in this Region")
