"""Writes notices as files for an operator or a relay to send, so that no mail server is needed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.errors import ChannelUnusable, Unwritable
from rollout.files.private_files import create_whole, make_folder, unwritable
from rollout.notify.building import ChannelSetup
from rollout.notify.mail import CannotBeMail, file_stem, mail_of, message_id
from rollout.workflows.ports import Notifier

_WRITERS = 16
"""Files are put onto the disk by so many threads: it is the disk that takes the time."""


def build(setup: ChannelSetup, *, outbox: Path) -> Outbox:
    """Build the channel; `outbox` is the folder that messages are written into."""
    return Outbox(outbox, setup)


class Outbox(Notifier):
    """Writes one `.eml` file (RFC 5322) per message into a folder that only its owner can read.

    File name and message id derive from whom a message is for and what it tells, so that one that is handed over again
    is there already, and is not written twice. A message in the folder counts as queued, or as delivered if the
    operator vouches for what sends it (`notify.outbox_counts`).
    """

    at_once = 256
    repeatable = True

    def __init__(self, folder: Path, setup: ChannelSetup) -> None:
        """Write nothing yet."""
        self._folder, self._setup = folder, setup
        self._writers = ThreadPoolExecutor(_WRITERS, "outbox")

    def open(self) -> None:
        """Make the folder. Raises ChannelUnusable."""
        try:
            make_folder(self._folder)
        except Unwritable as problem:
            raise ChannelUnusable(str(problem), cure=problem.cure) from problem

    def send(self, notice: Notice) -> Receipt:
        """Write one message."""
        return self.send_all([notice])[0]

    def send_all(self, notices: Sequence[Notice]) -> Sequence[Receipt]:
        """Write some messages; all are on the disk when this returns. Failures are receipts, not exceptions."""
        return list(self._writers.map(self._write, notices))

    def _write(self, notice: Notice) -> Receipt:
        try:
            create_whole(self._folder / f"{file_stem(notice)}.eml", mail_of(notice, self._setup))
        except CannotBeMail as problem:
            return problem.receipt
        except OSError as problem:
            return Receipt(Delivery.REFUSED, detail=str(unwritable(self._folder, problem)))
        return Receipt(self._setup.delivery, message_id(notice, self._setup.sender))
