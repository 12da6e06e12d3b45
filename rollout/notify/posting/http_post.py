"""Posts JSON to a URL that is a secret, and waits where the other side asks for it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from rollout.awsapi.retries import MAIL, Retries
from rollout.errors import ChannelUnusable
from rollout.notify.secret import Secret

_SECONDS = 30.0
_MOST_BYTES = 64 * 1024
_TOO_MANY, _SERVER = 429, 500
_HERE = ("localhost", "127.0.0.1", "::1")


class NotTaken(Exception):
    """The other side did not take what was posted; `status` is 0 where it gave no answer."""

    def __init__(self, why: str, status: int = 0, wait: float = 0.0) -> None:
        """Take what it said, and for how many seconds it asks to wait."""
        super().__init__(why)
        self.status, self.wait = status, wait

    @property
    def lasts(self) -> bool:
        """Whether the same would be refused again."""
        return bool(self.status) and self.status != _TOO_MANY and self.status < _SERVER


class JsonPost:
    """Posts to one URL: HTTPS, or HTTP on this machine. Redirects are not followed, for the URL is a secret."""

    def __init__(self, url: Secret, retries: Retries | None = None) -> None:
        """Check the URL. Raises ChannelUnusable, which does not have it."""
        parts = urlsplit(url.reveal())
        self._url, self._parts = url, parts
        self._target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        self.retries = retries or Retries(MAIL)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
            raise ChannelUnusable(
                "the URL of the channel is not https://…", cure="correct the secret that has it"
            )

    @property
    def host(self) -> str:
        """The host, which is no secret."""
        return self._parts.hostname or ""

    def post(self, body: bytes, headers: Mapping[str, str]) -> str:
        """Post, and return what was answered. Raises NotTaken."""

        def wait_for(error: Exception) -> float | None:
            return None if not isinstance(error, NotTaken) or error.lasts else error.wait

        return self.retries.repeat(lambda: self._once(body, headers), wait_for)

    def _once(self, body: bytes, headers: Mapping[str, str]) -> str:
        parts = self._parts
        connection = (
            HTTPSConnection(self.host, parts.port, timeout=_SECONDS, context=ssl.create_default_context())
            if parts.scheme == "https"
            else HTTPConnection(self.host, parts.port, timeout=_SECONDS)
        )
        try:
            connection.request("POST", self._target, body, {"Content-Type": "application/json", **headers})
            with connection.getresponse() as answer:
                said = answer.read(_MOST_BYTES).decode(errors="replace")
        except (OSError, HTTPException) as problem:
            raise NotTaken(self._said(f"no answer from {self.host}: {problem}")) from None
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            why = self._said(f"{answer.status} {answer.reason}: {said}")
            raise NotTaken(why, answer.status, _asked_for(answer.getheader("Retry-After", "")))
        return said

    def _said(self, text: str) -> str:
        """Return a text in one line, without the URL, its path and its query."""
        for part in self._target.split("?"):
            text = Secret(part).hide(text) if len(part) > 1 else text
        return " ".join(self._url.hide(text).split())[:300]


def _asked_for(header: str) -> float:
    """Return the seconds that `Retry-After` asks to wait, given in seconds or as a date."""
    try:
        return float(header) if header.strip().isdigit() else max(0.0, _until(header))
    except (ValueError, TypeError):
        return 0.0


def _until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
