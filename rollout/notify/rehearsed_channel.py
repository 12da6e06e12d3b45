"""Records the notices that a dry run would send, and sends nothing."""

from __future__ import annotations

from threading import Lock

from rollout.domain.progress.messages import Delivery, Notice, Receipt


class RehearsingNotifier:
    """Records every message and sends none (fills `Notifier`)."""

    def __init__(self) -> None:
        self._noted: list[Notice] = []
        self._lock = Lock()

    def send(self, notice: Notice) -> Receipt:
        """Record the message."""
        with self._lock:
            self._noted.append(notice)
        return Receipt(Delivery.QUEUED, detail="rehearsed")

    @property
    def noted(self) -> tuple[Notice, ...]:
        """The messages that would have been sent, in order."""
        with self._lock:
            return tuple(self._noted)
