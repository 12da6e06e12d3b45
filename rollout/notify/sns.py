"""Publishes notices to an Amazon SNS topic: it is read by a system, not by the person."""

from __future__ import annotations

from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.errors import ChannelUnusable
from rollout.notify.aws_calls import ChannelCalls, unusable
from rollout.notify.building import ChannelSetup
from rollout.notify.posting.notice_json import as_json
from rollout.workflows.ports import AnswerLost, Notifier

_CURES = {
    "NotFound": "correct notify.sns_topic",
    "NotFoundException": "correct notify.sns_topic",
    "InvalidParameter": "correct notify.sns_topic",
}


def build(setup: ChannelSetup, *, sns_topic: str, sns_role: str | None) -> Sns:
    """Build the channel; nothing is called yet. Raises ChannelUnusable."""
    parts = sns_topic.split(":")
    if len(parts) != 6 or parts[2] != "sns":
        raise ChannelUnusable(f'"{sns_topic}" is not the ARN of a topic', cure=_CURES["NotFound"])
    return Sns(setup, ChannelCalls("sns", setup.clients("sns", parts[3], sns_role or "")), sns_topic)


class Sns(Notifier):
    """Publishes one message for each person, as JSON like the webhook's; the attribute `notice` names it."""

    def __init__(self, setup: ChannelSetup, calls: ChannelCalls, topic: str) -> None:
        """Call nothing yet."""
        self._setup, self._calls, self._topic = setup, calls, topic
        self.counts = setup.counts
        self._unusable: ChannelUnusable | None = None

    def open(self) -> None:
        """Raise ChannelUnusable if an earlier message has shown that none can be published."""
        if self._unusable:
            raise self._unusable

    def send(self, notice: Notice) -> Receipt:
        """Publish one message."""
        detail = ""
        for _ in range(self._calls.retries.patience.attempts):
            try:
                answer = self._calls.call("Publish", lambda: self._publish(notice))
            except AnswerLost:
                detail = "the answer got lost, and it was published again with the same id"
            except CallFailed as failed:
                cure = _CURES.get(failed.code, "")
                if cure or failed.fault is Fault.DENIED:
                    self._unusable = unusable("the topic takes nothing", failed, "sns:Publish on it", cure)
                why = f"{failed.code}: {one_line(failed.message)}"
                return Receipt(Delivery.REFUSED, detail=why, later=failed.fault is Fault.THROTTLED)
            else:
                return Receipt(self._setup.delivery, str(answer["MessageId"]), detail)
        return Receipt(Delivery.REFUSED, detail="SNS gave no answer")

    def _publish(self, notice: Notice) -> dict[str, str]:
        published: dict[str, str] = self._calls.client.publish(
            TopicArn=self._topic,
            Message=as_json(notice, self._setup).decode(),
            MessageAttributes={"notice": {"DataType": "String", "StringValue": notice.id}},
        )
        return published
