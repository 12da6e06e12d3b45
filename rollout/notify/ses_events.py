"""Reads what SES tells later about mails: events in an SQS queue, or in a file that was exported.

Events of configuration sets, notifications of identities, and both inside of SNS notifications are understood
(aws-facts.md#notification-channels).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from rollout.awsapi.failures import CallFailed
from rollout.domain.progress.messages import Delivery, DeliveryReport
from rollout.errors import BadSettings
from rollout.files.bounded_files import MIB, parse_json
from rollout.notify.aws_calls import ChannelCalls, unusable

_MOST_BYTES = 256 * MIB
_AT_ONCE, _SECONDS = 10, 120
"""Messages of SQS in one answer, and for how long nobody else gets them."""
_TIMES = {"Bounce": "bounce", "Complaint": "complaint", "Delivery": "delivery"}


def reports_in(text: str) -> Iterator[DeliveryReport]:
    """Read one event; yield nothing for what says nothing about delivery. Raises ValueError, KeyError, TypeError."""
    event: Any = parse_json(text.encode())
    if isinstance(event, dict) and event.get("Type") == "Notification":
        event = parse_json(str(event["Message"]).encode())
    kind = event.get("eventType") or event.get("notificationType")
    mail = event["mail"]
    about: Mapping[str, Any] = event.get(_TIMES.get(kind, ""), {})
    at = _moment(about.get("timestamp") or mail["timestamp"])
    match kind:
        case "Bounce":
            who = about["bouncedRecipients"]
            state, why = (
                Delivery.BOUNCED,
                f"{about.get('bounceType', '')} {about.get('bounceSubType', '')}".strip(),
            )
        case "Complaint":
            who = about["complainedRecipients"]
            state, why = (
                Delivery.COMPLAINED,
                str(about.get("complaintFeedbackType") or "reported as unwanted"),
            )
        case "Delivery":
            who = [{"emailAddress": one} for one in about["recipients"]]
            state, why = Delivery.DELIVERED, str(about.get("smtpResponse", ""))
        case "Reject" | "Rendering Failure":
            who = [{"emailAddress": one} for one in mail["destination"]]
            state, why = Delivery.REFUSED, str(event.get("reject", {}).get("reason", kind))
        case _:
            return
    for one in who:
        detail = ": ".join(filter(None, (why, str(one.get("diagnosticCode", "")))))
        yield DeliveryReport(
            str(mail["messageId"]), str(one["emailAddress"]), state, at, " ".join(detail.split())[:500]
        )


@dataclass(frozen=True, slots=True)
class EventQueue:
    """The SQS queue that events of SES arrive in."""

    calls: ChannelCalls
    url: str

    def take(self, keep: Callable[[list[DeliveryReport]], int]) -> int:
        """Read all that is there; delete a message only when `keep` has recorded something of it.

        What is about other mails, or cannot be read, stays in the queue, which may not be ours alone. Return how many
        messages stay. Raises ChannelUnusable.
        """
        left = 0
        try:
            while some := self._receive():
                done = []
                for message in some:
                    try:
                        kept = keep(list(reports_in(message["Body"])))
                    except (ValueError, KeyError, TypeError, AttributeError):
                        kept = 0
                    if kept:
                        done.append(message["ReceiptHandle"])
                left += len(some) - len(done)
                for handle in done:
                    self._delete(handle)
        except CallFailed as failed:
            raise unusable(
                f"the events of SES cannot be read from {self.url}",
                failed,
                "sqs:ReceiveMessage and sqs:DeleteMessage on the queue",
                "correct notify.ses_events: the URL of the queue",
            ) from failed
        return left

    def _receive(self) -> list[dict[str, Any]]:
        client = self.calls.client
        answer = self.calls.call(
            "ReceiveMessage",
            lambda: client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=_SECONDS, WaitTimeSeconds=0
            ),
        )
        return list(answer.get("Messages", []))

    def _delete(self, handle: str) -> None:
        client = self.calls.client
        self.calls.call(
            "DeleteMessage", lambda: client.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
        )


def exported_reports(path: Path) -> Iterator[DeliveryReport]:
    """Read a file: JSON lines of events, or CSV with message_id, address, delivery, at, detail. Raises BadSettings."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise BadSettings(f"{path} is too large", cure="split it")
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadSettings(
            f"{path} cannot be read: {problem}", cure="name the export of the channel"
        ) from problem
    rows = _events if text.lstrip().startswith("{") else _rows
    for number, found in rows(text):
        try:
            yield from found()
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            why = f"{path}, line {number} says nothing of a delivery: {type(problem).__name__}: {problem}"
            raise BadSettings(why, cure="docs/channels.md has both formats") from problem


def _events(text: str) -> Iterator[tuple[int, Callable[[], Iterator[DeliveryReport]]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, lambda line=line: reports_in(line)  # type: ignore[misc]  # the line of this round


def _rows(text: str) -> Iterator[tuple[int, Callable[[], Iterator[DeliveryReport]]]]:
    for number, row in enumerate(csv.DictReader(StringIO(text, newline="")), 2):
        yield number, lambda row=row: iter([_report(row)])  # type: ignore[misc]  # the row of this round


def _report(row: Mapping[str, str]) -> DeliveryReport:
    state = Delivery(row["delivery"].strip().lower())
    return DeliveryReport(
        row["message_id"].strip(), row["address"].strip(), state, _moment(row["at"]), row.get("detail") or ""
    )


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.strip())
    return found if found.tzinfo else found.replace(tzinfo=UTC)
