"""Posts notices as signed JSON to a system that passes them on (docs/channels.md#webhook)."""

from __future__ import annotations

import hmac
import json

from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.errors import ChannelUnusable
from rollout.notify.building import ChannelSetup
from rollout.notify.posting.http_post import JsonPost, NotTaken
from rollout.notify.posting.notice_json import as_json
from rollout.notify.secret import Secret
from rollout.workflows.ports import Notifier

SIGNATURE, TIMESTAMP = "X-Rollout-Signature", "X-Rollout-Timestamp"
_FOR_EVERYBODY = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 410})


def build(setup: ChannelSetup, *, webhook_url: Secret, webhook_key: Secret) -> Webhook:
    """Build the channel; nothing is posted yet. Raises ChannelUnusable."""
    return Webhook(setup, JsonPost(webhook_url), webhook_key)


class Webhook(Notifier):
    """Posts one message for each person. The signature is the HMAC-SHA256 of time, full stop and body, in hex."""

    def __init__(self, setup: ChannelSetup, posting: JsonPost, key: Secret) -> None:
        """Post nothing yet."""
        self._setup, self._posting, self._key = setup, posting, key
        self.counts = setup.counts
        self._unusable: ChannelUnusable | None = None

    def open(self) -> None:
        """Raise ChannelUnusable if an earlier message has shown that none can be posted."""
        if self._unusable:
            raise self._unusable

    def send(self, notice: Notice) -> Receipt:
        """Post one message; what does the other side call it is its message id, else the notice's own id."""
        body = as_json(notice, self._setup)
        at = f"{self._setup.now().timestamp():.0f}"
        signature = hmac.digest(self._key.reveal().encode(), at.encode() + b"." + body, "sha256").hex()
        try:
            said = self._posting.post(body, {TIMESTAMP: at, SIGNATURE: f"sha256={signature}"})
        except NotTaken as problem:
            why = self._key.hide(str(problem))
            if problem.status in _FOR_EVERYBODY:
                self._unusable = ChannelUnusable(
                    f"the webhook at {self._posting.host} takes nothing: {why}",
                    cure="correct the secrets that notify.webhook_url and notify.webhook_key name",
                )
            return Receipt(Delivery.REFUSED, detail=why, later=not problem.lasts)
        return Receipt(self._setup.delivery, _id_in(said) or notice.id)


def _id_in(said: str) -> str:
    try:
        answer = json.loads(said)
    except ValueError:
        return ""
    found = answer.get("message_id") if isinstance(answer, dict) else None
    return found[:200] if isinstance(found, str) and found.isprintable() else ""
