"""A proxy between boto3 and an AWS endpoint that has bad days: the figures are those of the requirement.

with Weather("http://127.0.0.1:5000", seed=1) as weather:
    ...  # AWS_ENDPOINT_URL=weather.endpoint
"""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Self
from urllib.parse import urlsplit

from rollout.sandbox.access.refusals import REST_JSON
from rollout.sandbox.access.signatures import signature_of

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Figures:
    """Shares of all calls, and how slow the rest may be, in seconds."""

    throttled: float = 0.20
    failed: float = 0.05
    dropped: float = 0.02
    slowest: float = 0.004


CALM = Figures(throttled=0, failed=0, dropped=0)


class Weather:
    """Answers in place of the endpoint now and then, or not at all; `counts` tells how often it did what."""

    def __init__(self, upstream: str, seed: int, figures: Figures = Figures()) -> None:
        self.figures = figures
        self.counts: Counter[str] = Counter()
        self._host, self._port = urlsplit(upstream).hostname, urlsplit(upstream).port
        self._dice, self._lock = random.Random(seed), threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"weather": self}))
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # hanging up is the point

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def today(self) -> tuple[str, float]:
        """Draw what becomes of a call, and how long it takes."""
        figures = self.figures
        with self._lock:
            drawn, delay = self._dice.random(), self._dice.uniform(0, figures.slowest)
            word = "answered"
            for share, what in (
                (figures.throttled, "throttled"),
                (figures.failed / 2, "failed"),
                (figures.failed / 2, "failed without a word"),
                (figures.dropped / 2, "dropped before"),
                (figures.dropped / 2, "dropped after"),
            ):
                if drawn < share:
                    word = what
                    break
                drawn -= share
            self.counts[word] += 1
        return word, delay

    @contextmanager
    def upstream(self) -> Iterator[HTTPConnection]:
        assert self._host
        connection = HTTPConnection(self._host, self._port, timeout=60)
        try:
            yield connection
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    weather: ClassVar[Weather]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        word, delay = self.weather.today()
        time.sleep(delay)
        match word:
            case "answered":
                self._send(*self._asked(body))
            case "dropped after":
                self._asked(body)
                self._hang_up()
            case "dropped before":
                self._hang_up()
            case "throttled":
                self._refuse(400, "TooManyRequestsException" if self._speaks_json else "Throttling")
            case "failed":
                self._refuse(500, "ServiceException" if self._speaks_json else "ServiceFailure")
            case _:
                self._send(500, {"Content-Type": "text/html"}, b"<html>try later</html>")

    @property
    def _speaks_json(self) -> bool:
        signature = signature_of(self.headers.get("Authorization", ""))
        return "X-Amz-Target" in self.headers or signature.service in REST_JSON

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        with self.weather.upstream() as connection:
            # Everything as it was signed, the name of the host too.
            connection.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def _refuse(self, status: int, code: str) -> None:
        if self._speaks_json:
            text = json.dumps({"__type": code, "Message": "bad weather"})
        else:
            error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>bad weather</Message></Error>"
            text = f"<ErrorResponse>{error}<RequestId>weather</RequestId></ErrorResponse>"
        self._send(status, {}, text.encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Date", headers.get("Date", self.date_time_string()))
        for name, value in headers.items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
