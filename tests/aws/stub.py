"""A tiny AWS on the loopback: answers what a test tells it to, spelled as botocore's own models have it.

stub.on("GetUser", {"User": {...}})                         # the same answer every time
stub.on("GetUser", Fail("Throttling", 400), {"User": {}})   # one after the other, the last for ever
stub.on("GetUser", lambda call: {"User": {"UserName": call.params["UserName"], ...}})
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape

MODELS = botocore.session.Session()
SIGN_IN = MODELS.get_service_model("signin")


@dataclass(frozen=True)
class Call:
    """One request as the stub saw it."""

    service: str
    operation: str
    params: Mapping[str, Any]
    key_id: str
    user_agent: str = ""
    region: str = ""


@dataclass(frozen=True)
class Fail:
    """An error as AWS spells it."""

    code: str
    status: int = 400
    message: str = "said the stub"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """Bytes that are no AWS answer."""

    status: int
    body: bytes = b"<!doctype html><title>500</title>"
    content_type: str = "text/html"


@dataclass(frozen=True)
class Drop:
    """The connection ends without an answer; `effect` is carried out before that."""

    effect: Callable[[Call], object] | None = None


Answer = Mapping[str, Any] | Fail | Raw | Drop
Scripted = Answer | Callable[[Call], Any]


class AwsStub:
    """Keeps what was called, and the answers to come; one server for all tests, `reset` between them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.headers: dict[str, str] = {}
        self.weather: Callable[[Call], Answer | None] | None = None
        """What may come instead of an answer; None from it lets the answer through."""
        self._answers: dict[str, list[Scripted]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        self.calls.clear()
        self.headers.clear()
        self.weather = None
        self._answers.clear()

    def on(self, operation: str, *answers: Scripted) -> None:
        """Script the answers of an operation, in order; the last one stays."""
        self._answers[operation] = list(answers)

    def counts(self) -> Counter[str]:
        """How often each operation was called."""
        return Counter(call.operation for call in self.calls)

    def called(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of every call of an operation."""
        return [call.params for call in self.calls if call.operation == operation]

    def answer(self, call: Call) -> Answer:
        with self._lock:
            self.calls.append(call)
            trouble = self.weather(call) if self.weather else None
            if trouble is not None:
                return trouble
            waiting = self._answers.get(call.operation)
            if not waiting:
                return Fail("InvalidAction", 400, f"the stub knows no {call.operation}")
            scripted = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return scripted(call) if callable(scripted) else scripted


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hung up is what some tests are about."""


def _handler(stub: AwsStub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._send(Raw(404), Call("", "", {}, ""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            call = _call(dict(self.headers.items()), body, self.path)
            self._send(stub.answer(call), call)

        def _send(self, answer: Answer, call: Call) -> None:
            if isinstance(answer, Drop):
                if answer.effect:
                    answer.effect(call)
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, body, headers = _spelled(answer, call)
            self.send_response_only(status)
            self.send_header("Date", stub.headers.get("Date", self.date_time_string()))
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _call(headers: Mapping[str, str], body: bytes, path: str) -> Call:
    # Credential=AKIA…/20261124/us-east-1/iam/aws4_request
    credential = headers["Authorization"].partition("Credential=")[2].split(",")[0].split("/")
    service, agent = credential[3], headers.get("User-Agent", "")
    if "X-Amz-Target" in headers:
        operation = headers["X-Amz-Target"].rpartition(".")[2]
        return Call(service, operation, json.loads(body), credential[0], agent, credential[2])
    if path != "/":  # rest-json: AWS Sign-In
        operation = next(
            name
            for name in SIGN_IN.operation_names
            if SIGN_IN.operation_model(name).http["requestUri"] == path
        )
        return Call(service, operation, json.loads(body or b"{}"), credential[0], agent)
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    operation = form.pop("Action")
    form.pop("Version")
    return Call(service, operation, _unflattened(form), credential[0], agent, credential[2])


def _unflattened(form: Mapping[str, str]) -> dict[str, Any]:
    """`Filter.member.1=User` is Filter=["User"]; maps and structures in lists do as well."""
    lists: defaultdict[str, dict[int, Any]] = defaultdict(dict)
    params: dict[str, Any] = {}
    for key, value in form.items():
        name, _, rest = key.partition(".member.")
        if not rest:
            params[key] = value
            continue
        number, _, inner = rest.partition(".")
        if inner:
            lists[name].setdefault(int(number), {})[inner] = value
        else:
            lists[name][int(number)] = value
    return params | {name: [items[number] for number in sorted(items)] for name, items in lists.items()}


def _spelled(answer: Answer, call: Call) -> tuple[int, bytes, Mapping[str, str]]:
    if isinstance(answer, Raw):
        return answer.status, answer.body, {"Content-Type": answer.content_type}
    as_json = call.service in {"organizations", "cloudtrail", "signin", "sso", "identitystore"}
    if isinstance(answer, Fail):
        body = _json_error(answer) if as_json else _xml_error(answer)
        return answer.status, body.encode(), answer.headers
    assert not isinstance(answer, Drop)
    if as_json:
        return 200, json.dumps(answer, default=lambda moment: moment.timestamp()).encode(), {}
    model = MODELS.get_service_model(call.service).operation_model(call.operation)
    result = ""
    if model.output_shape is not None:
        wrapper = model.output_shape.serialization.get("resultWrapper", f"{call.operation}Result")
        result = f"<{wrapper}>{_xml(model.output_shape, answer)}</{wrapper}>"
    request_id = f"<ResponseMetadata><RequestId>request-{call.operation}</RequestId></ResponseMetadata>"
    return 200, f"<{call.operation}Response>{result}{request_id}</{call.operation}Response>".encode(), {}


def _json_error(fail: Fail) -> str:
    return json.dumps({"__type": fail.code, "Message": fail.message})


def _xml_error(fail: Fail) -> str:
    error = (
        f"<Error><Type>Sender</Type><Code>{fail.code}</Code><Message>{escape(fail.message)}</Message></Error>"
    )
    return f"<ErrorResponse>{error}<RequestId>request-failed</RequestId></ErrorResponse>"


def _xml(shape: Shape, value: Any) -> str:
    if isinstance(shape, StructureShape):
        return "".join(
            f"<{name}>{_xml(shape.members[name], inner)}</{name}>"
            for name, inner in value.items()
            if inner is not None and name in shape.members
        )
    if isinstance(shape, ListShape):
        return "".join(f"<member>{_xml(shape.member, item)}</member>" for item in value)
    if isinstance(shape, MapShape):
        return "".join(
            f"<entry><key>{escape(key)}</key><value>{_xml(shape.value, inner)}</value></entry>"
            for key, inner in value.items()
        )
    return escape(_scalar(shape, value))


def _scalar(shape: Shape, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if shape.name == "policyDocumentType" and isinstance(value, dict):
        return quote(json.dumps(value))
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return str(value)
