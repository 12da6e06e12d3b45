"""The channel that needs no mail server: messages as files, for an operator or a relay to send on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256
from itertools import count
from pathlib import Path

from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.errors import Unwritable
from rollout.files.private_files import create_whole, make_folder, unwritable
from rollout.notify.building import ChannelSetup
from rollout.notify.message_text import body, clean, subject

# One plain address and nothing else: no second recipient, no display name, no line break.
_ADDRESS = re.compile(r"""[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+""")
_LONGEST_ADDRESS = 254


def build(setup: ChannelSetup, *, outbox: Path) -> Outbox:
    """Build the channel; `outbox` is the folder, ready to use."""
    return Outbox(outbox, setup.sender, setup.delivery, setup.now, setup.run)


class Outbox:
    """Writes one `.eml` file (RFC 5322) per message into a folder that only its owner can read (fills `Notifier`).

    `run` (or, without one, the moment) and the address name the file and the message, so that a message sent twice
    can be recognised; a file that is there is never overwritten. `delivery` is what a message in the folder counts as:
    queued, or delivered where whoever empties it can be trusted to send it (`notify.outbox_counts`).
    """

    def __init__(
        self,
        folder: Path,
        sender: str,
        delivery: Delivery,
        now: Callable[[], datetime],
        run: str = "",
    ) -> None:
        self._folder = folder
        self._sender = sender
        self._delivery = delivery
        self._now = now
        self._run = run

    def send(self, notice: Notice) -> Receipt:
        """Write the message down; a failure is a receipt."""
        address = _address(notice.address)
        if address is None:
            return Receipt(Delivery.FAILED, detail=f'"{clean(notice.address)}" is not an e-mail address')
        try:
            make_folder(self._folder)
            return Receipt(self._delivery, self._write(notice, address))
        except Unwritable as problem:
            return Receipt(Delivery.FAILED, detail=str(problem))
        except OSError as problem:
            return Receipt(Delivery.FAILED, detail=str(unwritable(self._folder, problem)))
        except ValueError as problem:
            # Only the sender is left to be wrong; it comes from the settings.
            why = f'no message can be sent from "{clean(self._sender)}": {clean(str(problem))}'
            return Receipt(Delivery.FAILED, detail=why)

    def _write(self, notice: Notice, address: Address) -> str:
        """Write the message under the first name that is free; returns its id."""
        now = self._now()
        run = self._run or f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        for attempt in count(1):
            digest = sha256(f"{run}\n{notice.address}\n{attempt}".encode()).hexdigest()
            message_id = f"<{digest[:32]}@{_domain(self._sender)}>"
            suffix = "" if attempt == 1 else f"-{attempt}"
            name = f"{_safe(run)}-{_safe(notice.address)}-{digest[:8]}{suffix}.eml"
            if create_whole(self._folder / name, self._message(notice, address, message_id, now)):
                return message_id
        raise AssertionError  # count() does not end

    def _message(self, notice: Notice, address: Address, message_id: str, now: datetime) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = address
        message["Subject"] = subject(notice)
        message["Date"] = now
        message["Message-ID"] = message_id
        # No answer by machine, out-of-office notes among them (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body(notice, self._sender))
        return message.as_bytes()


def _address(text: str) -> Address | None:
    """Read one plain address. Letters beyond ASCII need a mail server that few have; a domain has its xn-- form."""
    plain = (
        _ADDRESS.fullmatch(text) and text.isascii() and text.isprintable() and len(text) <= _LONGEST_ADDRESS
    )
    try:
        return Address(addr_spec=text) if plain else None
    except (ValueError, HeaderParseError):
        return None


def _safe(text: str) -> str:
    """Keep of a text what may stand in a file name anywhere; the digest beside it keeps names apart."""
    return re.sub(r"[^A-Za-z0-9.@_+-]", "_", text).lstrip(".")[:80]


def _domain(sender: str) -> str:
    found = re.search(r"@([A-Za-z0-9.-]+)", sender)
    return found.group(1) if found else "rollout.invalid"
