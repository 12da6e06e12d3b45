"""Takes the notices that a dry run would send, and sends nothing."""

from __future__ import annotations

from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.workflows.ports import Notifier


class RehearsingNotifier(Notifier):
    """Takes every message and sends none."""

    repeatable = True

    def send(self, notice: Notice) -> Receipt:
        """Take the message; that nobody got it shows in the receipt."""
        return Receipt(Delivery.QUEUED, detail="rehearsed")
