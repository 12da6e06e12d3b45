"""Makes a mail out of a notice: one plain address, one letter, and an id that is the same each time it is sent."""

from __future__ import annotations

import re
from binascii import b2a_qp
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from rollout.domain.people.addresses import is_address
from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.notify.building import ChannelSetup

# A subject with time and zone is longer than 78 letters; folded right after its name, it would begin with a space.
_ON_ONE_LINE = SMTP.clone(max_line_length=160)
_LONGEST_LINE = 160


class CannotBeMail(ValueError):
    """No mail can be made of the notice, and why; nothing was sent."""

    @property
    def receipt(self) -> Receipt:
        """What the channel says of it."""
        return Receipt(Delivery.REFUSED, detail=str(self))


def message_id(notice: Notice, sender: str) -> str:
    """Return the Message-ID of a notice (RFC 5322)."""
    return f"<{notice.id}@{_domain(sender)}>"


def file_stem(notice: Notice) -> str:
    """Name a file by letters that every file system allows; the id of the notice keeps files apart."""
    address = re.sub(r"[^A-Za-z0-9.@_+-]", "_", notice.address).lstrip(".")[:80]
    return f"{address}-{notice.id[:16]}"


def mail_of(notice: Notice, setup: ChannelSetup) -> bytes:
    """Lay out a notice as a mail. Raises CannotBeMail."""
    if not is_address(notice.address):
        raise CannotBeMail(f'"{notice.address}" is not an e-mail address')
    letter = setup.press.letter(notice)
    boundary = f"=_rollout_{notice.id}"
    headers = {
        "From": setup.sender,
        "To": notice.address,
        "Subject": letter.subject,
        "Date": format_datetime(setup.now()),
        "Message-ID": message_id(notice, setup.sender),
        # Asks for no automatic answers, such as out-of-office notes (RFC 3834).
        "Auto-Submitted": "auto-generated",
        "Content-Language": letter.language,
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="{boundary}"',
    }
    try:
        head = "".join(_header(name, value) for name, value in headers.items())
    except ValueError as problem:
        # Only the sender, which comes from the settings, can be wrong here.
        raise CannotBeMail(f'no message can be sent from "{setup.sender}": {problem}') from problem
    parts = b"".join(
        f"--{boundary}\r\n".encode() + _part(kind, text)
        for kind, text in (("plain", letter.text), ("html", letter.html))
    )
    return head.encode() + b"\r\n" + parts + f"--{boundary}--\r\n".encode()


@lru_cache(maxsize=1024)  # most headers are the same in all mails
def _header(name: str, value: str) -> str:
    """Spell a header in its lines. Raises ValueError for a value that would begin another one."""
    parsed = _ON_ONE_LINE.header_store_parse(name, value)[1]
    folded: str = _ON_ONE_LINE.fold(name, parsed)
    return folded


def _part(kind: str, text: str) -> bytes:
    """Spell the text or the HTML of a mail; EmailMessage takes five times as long."""
    lines = text.splitlines()
    body = "\r\n".join((*lines, "")).encode()
    plain = text.isascii() and all(len(line) <= _LONGEST_LINE for line in lines)
    encoding = "7bit" if plain else "quoted-printable"
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + (body if plain else b2a_qp(body))


def _domain(sender: str) -> str:
    found = re.search(r"@([A-Za-z0-9.-]+)", sender)
    return found.group(1) if found else "rollout.invalid"
