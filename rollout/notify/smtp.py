"""Hands mails to a mail server (RFC 5321), over one connection at a time (aws-facts.md#notification-channels)."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass

from rollout.awsapi.retries import GREYLISTED, MAIL, Retries
from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.errors import ChannelUnusable
from rollout.notify.building import ChannelSetup
from rollout.notify.mail import CannotBeMail, mail_of, message_id
from rollout.notify.secret import Secret
from rollout.workflows.ports import Notifier

_SECONDS = 30.0
_NOT_NOW, _NEVER = 400, 500
"""Where the replies begin that may change, and those that stay (RFC 5321, section 4.2.1)."""
_SERVICE_ENDS = 421


def build(
    setup: ChannelSetup,
    *,
    smtp_host: str,
    smtp_port: int,
    smtp_security: str,
    smtp_user: str | None,
    smtp_password: Secret | None,
) -> Smtp:
    """Build the channel; nothing is connected yet."""
    if smtp_password is not None and smtp_security == "none" and smtp_host not in ("localhost", "127.0.0.1"):
        raise ChannelUnusable(
            f"a password would go to {smtp_host} without encryption",
            cure="set notify.smtp_security to starttls or tls",
        )
    server = MailServer(smtp_host, smtp_port, smtp_security, smtp_user or "", smtp_password or Secret(""))
    return Smtp(setup, server, Retries(MAIL))


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where the mail server is, and who signs in there; `security` is `starttls`, `tls` or `none`."""

    host: str
    port: int
    security: str
    user: str
    password: Secret

    @property
    def name(self) -> str:
        """Host and port, for a person."""
        return f"{self.host}:{self.port}"

    def connect(self) -> smtplib.SMTP:
        """Connect, encrypt and sign in. Raises OSError, smtplib.SMTPException."""
        # Looking up the full name of this machine may take many seconds; servers take any.
        me, context = socket.gethostname(), ssl.create_default_context()
        if self.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, me, timeout=_SECONDS, context=context
            )
        else:
            client = smtplib.SMTP(self.host, self.port, me, timeout=_SECONDS)
        try:
            if self.security == "starttls":
                client.starttls(context=context)
            client.ehlo_or_helo_if_needed()
            if self.user:
                client.login(self.user, self.password.reveal())
        except BaseException:
            client.close()
            raise
        return client


class _Refused(Exception):
    """The server gave a reply that is not the wanted one, to a mail or a person; the connection stays."""

    def __init__(self, step: str, code: int, text: bytes) -> None:
        super().__init__(f"{code} {text.decode(errors='replace')}")
        self.step, self.code = step, code


class _AnswerLostAtEnd(Exception):
    """The connection broke after the whole mail was sent: nobody knows whether the server has taken it."""


class Smtp(Notifier):
    """Hands one mail after the other to a server, and connects again where the connection breaks.

    A mail whose acceptance got lost is handed over again, with the same Message-ID (RFC 5321, section 6.1). What is
    wrong with the server itself, such as a password that it rejects, is ChannelUnusable, and nobody's receipt.
    """

    waits = GREYLISTED

    def __init__(self, setup: ChannelSetup, server: MailServer, retries: Retries) -> None:
        """Connect to nothing yet."""
        self._setup, self._server, self._retries = setup, server, retries
        self.counts = setup.counts
        self._client: smtplib.SMTP | None = None
        self._unusable: ChannelUnusable | None = None

    def open(self) -> None:
        """Connect, where there is no connection. Raises ChannelUnusable."""
        if self._unusable:
            raise self._unusable
        try:
            self._retries.repeat(self._connected, lambda error: None if _lasts(error) else 0.0)
        except (OSError, smtplib.SMTPException) as problem:
            raise self._unusable_for(problem) from None  # what the server said may have the password

    def close(self) -> None:
        """Say goodbye to the server."""
        if self._client is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._client.quit()
        self._hang_up()

    def send(self, notice: Notice) -> Receipt:
        """Hand over one mail."""
        try:
            mail = mail_of(notice, self._setup)
        except CannotBeMail as problem:
            return problem.receipt
        lost = False

        def once() -> None:
            nonlocal lost
            try:
                self._hand_over(notice.address, mail)
            except _AnswerLostAtEnd:
                lost = True
                raise

        try:
            self._retries.repeat(once, _wait_for)
        except _Refused as refused:
            return self._refusal(refused)
        except (OSError, smtplib.SMTPException, _AnswerLostAtEnd) as problem:
            why = f"no answer from {self._server.name}: {self._said(problem)}"
            return Receipt(Delivery.REFUSED, message_id(notice, self._setup.sender) if lost else "", why)
        detail = "the answer got lost, and it was sent again with the same Message-ID" if lost else ""
        return Receipt(self._setup.delivery, message_id(notice, self._setup.sender), detail)

    # --- One mail ---

    def _hand_over(self, address: str, mail: bytes) -> None:
        client = self._connected()
        try:
            self._step(client.mail(self._setup.sender), "sender")
            self._step(client.rcpt(address), "person")
            try:
                self._step(client.data(mail), "mail")
            except smtplib.SMTPDataError as error:  # the reply to DATA itself
                reply = error.smtp_error
                text = reply if isinstance(reply, bytes) else str(reply).encode()
                raise _Refused("mail", error.smtp_code, text) from None
            except (OSError, smtplib.SMTPServerDisconnected) as error:
                raise _AnswerLostAtEnd(self._said(error)) from None
        except _Refused as refused:
            if refused.code == _SERVICE_ENDS:
                self._hang_up()
            else:
                with suppress(OSError, smtplib.SMTPException):
                    client.rset()
            raise
        except BaseException:
            self._hang_up()
            raise

    @staticmethod
    def _step(reply: tuple[int, bytes], step: str) -> None:
        code, text = reply
        if code >= _NOT_NOW or code < 200:
            raise _Refused(step, code, text)

    def _refusal(self, refused: _Refused) -> Receipt:
        said = self._said(refused)
        if refused.step == "sender" and refused.code >= _NEVER:
            # Of the next person it would say the same.
            self._unusable = ChannelUnusable(
                f"{self._server.name} takes no mail from {self._setup.sender}: {said}",
                cure="set notify.sender to an address that this user of the mail server may send from",
            )
        return Receipt(Delivery.REFUSED, detail=said, later=refused.code < _NEVER)

    # --- The connection ---

    def _connected(self) -> smtplib.SMTP:
        if self._client is None:
            self._client = self._server.connect()
        return self._client

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _said(self, problem: Exception) -> str:
        """Describe an error in one line, without the password."""
        return self._server.password.hide(" ".join(str(problem).split())) or type(problem).__name__

    def _unusable_for(self, problem: Exception) -> ChannelUnusable:
        name = self._server.name
        if isinstance(problem, smtplib.SMTPAuthenticationError):
            code = problem.smtp_code
            return ChannelUnusable(
                f"{name} rejects the user name or the password ({code})",
                cure="correct notify.smtp_user, or the secret that notify.smtp_password names",
            )
        if isinstance(problem, ssl.SSLCertVerificationError):
            return ChannelUnusable(
                f"the certificate of {name} is not trusted: {problem.verify_message}",
                cure="set notify.smtp_host to the name in the certificate, or SSL_CERT_FILE to your own authority's",
            )
        if isinstance(problem, smtplib.SMTPNotSupportedError):
            return ChannelUnusable(
                f"{name} does not offer what notify.smtp_security and notify.smtp_user ask for: {self._said(problem)}",
                cure="set notify.smtp_security to what the server offers; it signs in nobody without encryption",
            )
        return ChannelUnusable(
            f"no connection to the mail server {name}: {self._said(problem)}",
            cure="see whether notify.smtp_host, notify.smtp_port and notify.smtp_security are right, and whether a"
            " firewall is in between",
        )


def _lasts(error: Exception) -> bool:
    """Tell whether connecting again is of no use."""
    return isinstance(
        error, smtplib.SMTPAuthenticationError | smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError
    )


def _wait_for(error: Exception) -> float | None:
    """Try again at once where the connection broke; a mail that the server does not take is not repeated here."""
    if isinstance(error, _Refused):
        return 0.0 if error.code == _SERVICE_ENDS else None
    return None if _lasts(error) else 0.0
