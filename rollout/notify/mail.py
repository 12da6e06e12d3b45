"""Makes a mail out of a notice: one plain address, one letter, and an id that is the same each time it is sent."""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.notify.building import ChannelSetup

# One plain address and nothing else: no second recipient, no display name, no line break.
_ADDRESS = re.compile(r"""[^\s@<>()\[\]:;,"\\]+@[^\s@<>()\[\]:;,"\\]+""")
_LONGEST_ADDRESS = 254
# A subject with time and zone is longer than 78 letters; folded right after its name, it would begin with a space.
_ON_ONE_LINE = SMTP.clone(max_line_length=160)


class CannotBeMail(ValueError):
    """No mail can be made of the notice, and why; nothing was sent."""

    @property
    def receipt(self) -> Receipt:
        """What the channel says of it."""
        return Receipt(Delivery.REFUSED, detail=str(self))


def message_id(notice: Notice, sender: str) -> str:
    """Return the Message-ID of a notice (RFC 5322)."""
    return f"<{notice.id}@{_domain(sender)}>"


def mail_of(notice: Notice, setup: ChannelSetup) -> bytes:
    """Lay out a notice as a mail. Raises CannotBeMail."""
    address = _address(notice.address)
    if address is None:
        raise CannotBeMail(f'"{notice.address}" is not an e-mail address')
    letter = setup.press.letter(notice)
    message = EmailMessage(policy=_ON_ONE_LINE)
    try:
        message["From"] = setup.sender
        message["To"] = address
        message["Subject"] = letter.subject
        message["Date"] = setup.now()
        message["Message-ID"] = message_id(notice, setup.sender)
        # Asks for no automatic answers, such as out-of-office notes (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        message["Content-Language"] = letter.language
        return message.as_bytes()
    except ValueError as problem:
        # Only the sender, which comes from the settings, can be wrong here.
        raise CannotBeMail(f'no message can be sent from "{setup.sender}": {problem}') from problem


def _address(text: str) -> Address | None:
    """Read one plain ASCII address: few mail servers take other letters, and a domain has its xn-- form."""
    plain = (
        _ADDRESS.fullmatch(text) and text.isascii() and text.isprintable() and len(text) <= _LONGEST_ADDRESS
    )
    try:
        return Address(addr_spec=text) if plain else None
    except (ValueError, HeaderParseError):
        return None


def _domain(sender: str) -> str:
    found = re.search(r"@([A-Za-z0-9.-]+)", sender)
    return found.group(1) if found else "rollout.invalid"
