"""A real mail server on this machine (aiosmtpd), with TLS and sign-in, that treats people as a test wants."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "rollout", "n0t-to-be-seen/anywhere"
HOST = "127.0.0.1"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of this machine that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@dataclass
class MailHandler:
    """What the server does with each person, by the name before the @; anybody else gets their mail.

    `refused` are unknown to it, `greylisted` come as often later as the number says, before `dropped` it hangs up so
    often, and of `unanswered` it takes the mail so often and dies before it says so.
    """

    refused: set[str] = field(default_factory=set)
    greylisted: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    senders: set[str] = field(default_factory=set)
    """Who may send; empty: anybody."""
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    connections: int = 0

    async def handle_EHLO(self, server: SMTP, session: Any, envelope: Any, hostname: str, said: list[str]):  # noqa: N802 - aiosmtpd's name
        session.host_name = hostname
        self.connections += 1
        return said

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]):  # noqa: N802 - as above
        if self.senders and address not in self.senders:
            return f"550 5.7.1 {session.auth_data.password.decode()} may not send from {address}"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]):  # noqa: N802 - as above
        name = address.partition("@")[0]
        if name in self.refused:
            return "550 5.1.1 no such mailbox"
        if self.greylisted[name]:
            self.greylisted[name] -= 1
            return "451 4.7.1 greylisted, come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any):  # noqa: N802 - as above
        name = envelope.rcpt_tos[0].partition("@")[0]
        if self.dropped[name]:
            self.dropped[name] -= 1
            hang_up(server)
            return "250 OK"
        mail = message_from_bytes(envelope.content, policy=default)
        self.taken.append((envelope.rcpt_tos[0], mail))
        if self.unanswered[name]:
            self.unanswered[name] -= 1
            hang_up(server)
        return "250 OK"

    @property
    def mailboxes(self) -> dict[str, set[str]]:
        """By address: the Message-IDs that arrived; a mailbox shows mails with the same one once."""
        found: dict[str, set[str]] = {}
        for address, mail in self.taken:
            found.setdefault(address, set()).add(mail["Message-ID"])
        return found


def hang_up(server: SMTP) -> None:
    transport: Any = server.transport
    transport.abort()


def signs_in(
    server: object, session: object, envelope: object, mechanism: str, data: LoginPassword
) -> AuthResult:
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, auth_data=data, handled=right, message=None)


class _AnyPort(Controller):
    """Takes a port that is free: it is known when the server listens, and asked then whether it does."""

    def _trigger_server(self) -> None:
        listening: Any = self.server
        self.port = listening.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(handler: MailHandler, certificate: tuple[Path, Path], **more: Any) -> Iterator[int]:
    """Run the server while the block runs; give its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    settings: dict[str, Any] = {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": signs_in,
    }
    controller = _AnyPort(handler, HOST, 0, **(settings | more))
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
