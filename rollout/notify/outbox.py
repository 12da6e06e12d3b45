"""Writes notices as files for an operator or a relay to send, so that no mail server is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
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

# One plain address and nothing else: no second recipient, no display name, no line break.
_ADDRESS = re.compile(r"""[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+""")
_LONGEST_ADDRESS = 254
# A subject with time and zone is longer than 78 letters; folded right after its name, it would begin with a space.
_ON_ONE_LINE = SMTP.clone(max_line_length=160)


def build(setup: ChannelSetup, *, outbox: Path) -> Outbox:
    """Build the channel; `outbox` is the folder that messages are written into."""
    return Outbox(outbox, setup)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Writes one `.eml` file (RFC 5322) per message into a folder that only its owner can read (fills `Notifier`).

    File name and message id derive from the run (or the time, without one) and the address, so that a message sent
    twice can be recognised. Existing files are never overwritten. A message in the folder counts as queued, or as
    delivered if the operator vouches for what sends it (`notify.outbox_counts`).
    """

    folder: Path
    setup: ChannelSetup

    def send(self, notice: Notice) -> Receipt:
        """Write the message. Failures are receipts, not exceptions."""
        address = _address(notice.address)
        if address is None:
            return Receipt(Delivery.FAILED, detail=f'"{notice.address}" is not an e-mail address')
        try:
            make_folder(self.folder)
            return Receipt(self.setup.delivery, self._write(notice, address))
        except Unwritable as problem:
            return Receipt(Delivery.FAILED, detail=str(problem))
        except OSError as problem:
            return Receipt(Delivery.FAILED, detail=str(unwritable(self.folder, problem)))
        except ValueError as problem:
            # Only the sender, which comes from the settings, can be wrong here.
            why = f'no message can be sent from "{self.setup.sender}": {problem}'
            return Receipt(Delivery.FAILED, detail=why)

    def _write(self, notice: Notice, address: Address) -> str:
        """Write the message under the first free name, and return its id."""
        now = self.setup.now()
        run = self.setup.run or f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        for attempt in count(1):
            digest = sha256(f"{run}\n{notice.address}\n{attempt}".encode()).hexdigest()
            message_id = f"<{digest[:32]}@{_domain(self.setup.sender)}>"
            suffix = "" if attempt == 1 else f"-{attempt}"
            name = f"{_safe(run)}-{_safe(notice.address)}-{digest[:8]}{suffix}.eml"
            if create_whole(self.folder / name, self._message(notice, address, message_id, now)):
                return message_id
        raise AssertionError  # count() does not end

    def _message(self, notice: Notice, address: Address, message_id: str, now: datetime) -> bytes:
        letter = self.setup.press.letter(notice)
        message = EmailMessage(policy=_ON_ONE_LINE)
        message["From"] = self.setup.sender
        message["To"] = address
        message["Subject"] = letter.subject
        message["Date"] = now
        message["Message-ID"] = message_id
        # Asks for no automatic answers, such as out-of-office notes (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        message["Content-Language"] = letter.language
        return message.as_bytes()


def _address(text: str) -> Address | None:
    """Read one plain ASCII address: few mail servers take other letters, and a domain has its xn-- form."""
    plain = (
        _ADDRESS.fullmatch(text) and text.isascii() and text.isprintable() and len(text) <= _LONGEST_ADDRESS
    )
    try:
        return Address(addr_spec=text) if plain else None
    except (ValueError, HeaderParseError):
        return None


def _safe(text: str) -> str:
    """Keep the letters that every file system allows; the digest in the name keeps files apart."""
    return re.sub(r"[^A-Za-z0-9.@_+-]", "_", text).lstrip(".")[:80]


def _domain(sender: str) -> str:
    found = re.search(r"@([A-Za-z0-9.-]+)", sender)
    return found.group(1) if found else "rollout.invalid"
