"""An S3 on the loopback: moto, made as strict as S3 is, with bad weather on demand.

moto 5.2.5 heeds `If-None-Match: *` and `If-Match` of a put and `If-Match` of a delete. What it lacks is done here:

- requests take turns, so that looking and writing are one step (in moto, two threads may both find nothing);
- `x-amz-expected-bucket-owner` is compared;
- 409 ConditionalRequestConflict, throttling, lost answers and services that ignore conditions come as `weather`.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import boto3
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import S3Backend, s3_backends
from werkzeug.serving import make_server

from tests.store.reaching import BUCKET, OWNER


@dataclass(frozen=True)
class Asked:
    """One request, as it came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]

    @property
    def name(self) -> str:
        """The key of the object, without the prefix that tests use."""
        return self.path.removeprefix(f"/{BUCKET}/").removeprefix("team/")


@dataclass(frozen=True)
class Refuse:
    """An error of S3's, before anything has happened."""

    code: str
    status: int
    message: str = "said the weather"


@dataclass(frozen=True)
class Lose:
    """The connection ends without an answer: before anything has happened, or after."""

    after: bool


@dataclass(frozen=True)
class Ignore:
    """A storage service that has never heard of this header."""

    header: Literal["If-None-Match", "If-Match", "Range"]


@dataclass(frozen=True)
class Between:
    """Something happens right before this request is looked at."""

    effect: Callable[[], object]


Weather = Callable[[Asked], Refuse | Lose | Ignore | Between | None]


class BucketServer:
    """One server for all tests of a worker; `bucket` gives each test an empty bucket."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.weather: Weather | None = None
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._turn = threading.RLock()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def client(self) -> Any:
        """A client that is none of ours."""
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")

    @contextmanager
    def bucket(self) -> Iterator[None]:
        """Have an empty bucket and good weather while the block runs."""
        self.weather = None
        _moto().create_bucket(BUCKET, "us-east-1")
        self.asked.clear()
        try:
            yield
        finally:
            self.weather = None
            _moto().reset()

    # Past the server, as somebody else would see and change the bucket.

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(key for key in _moto().get_bucket(BUCKET).keys if key.startswith(prefix))

    def content(self, key: str) -> bytes:
        found = _moto().get_object(BUCKET, key)
        assert found, key
        content: bytes = found.value
        return content

    def put(self, key: str, content: bytes) -> None:
        _moto().put_object(BUCKET, key, content)

    def delete(self, key: str) -> None:
        _moto().delete_object(BUCKET, key)

    def writes(self) -> list[str]:
        """The names that were put, in order."""
        return [asked.name for asked in self.asked if asked.method == "PUT"]

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").title(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        asked = Asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers)
        self.asked.append(asked)
        weather = self.weather(asked) if self.weather else None
        if isinstance(weather, Between):
            weather.effect()
        if headers.get("X-Amz-Expected-Bucket-Owner", OWNER) != OWNER:
            weather = Refuse("AccessDenied", 403, "Access Denied")
        if isinstance(weather, Refuse):
            return _refused(weather, environ, start_response)
        if isinstance(weather, Ignore):
            environ.pop(f"HTTP_{weather.header.upper().replace('-', '_')}", None)
        if weather != Lose(after=False):
            with self._turn:
                answer = list(self._moto(environ, start_response))
            if weather != Lose(after=True):
                return answer
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError


def _moto() -> S3Backend:
    return s3_backends[OWNER]["aws"]


def _refused(why: Refuse, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = f"<Error><Code>{why.code}</Code><Message>{why.message}</Message></Error>".encode()
    start_response(f"{why.status} No", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - as werkzeug spells it
        """Say nothing, of lost connections neither."""
