"""The channel of a dry-run: it knows what would be sent, and sends nothing."""

from __future__ import annotations

from threading import Lock

from rollout.domain.progress.messages import Delivery, Notice, Receipt


class RehearsingNotifier:
    """Notes every message and sends none (fills `Notifier`)."""

    def __init__(self) -> None:
        self._noted: list[Notice] = []
        self._lock = Lock()

    def send(self, notice: Notice) -> Receipt:
        """Note the message."""
        with self._lock:
            self._noted.append(notice)
        return Receipt(Delivery.QUEUED, detail="rehearsed")

    @property
    def noted(self) -> tuple[Notice, ...]:
        """What would have been sent, in order."""
        with self._lock:
            return tuple(self._noted)
