"""A stand-in for AWS that is much faster than what is measured with it: an organization of any size, made on the fly.

python -m benchmarks.stand_in --accounts 1000 --users 100 --latency 0.02 --port 8999

It prints the variables that make AWS clients use it, and then serves until it is ended. It checks no signatures and no
policies. `GET /control/counts` tells the calls by operation, `POST /control/reset` sets them to zero,
`POST /control/forget` undoes all writes, and `POST /control/weather` changes what the options of these names set:
{"latency": 0.05, "throttled": 0.2, "failed": 0.05, "reset": 0.02, "rate": 20}.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from benchmarks.iam_answers import OPERATIONS, Iam, Refused
from benchmarks.organization_answers import ORGANIZATION, Organizations, caller, json_of, session

CONTROL = b"/control/"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CREDENTIAL = re.compile(rb"Credential=(A[KS]IA)(\d{12})[^/]*/\d+/[^/]*/(\w+)/")
_TARGET = re.compile(rb"\r\nx-amz-target: *\w+\.(\w+)", re.IGNORECASE)
_ROLE = re.compile(rb"RoleArn=([^&]+)")
_SESSION = re.compile(rb"RoleSessionName=([^&]+)")
_IAM_NAMESPACE = b"https://iam.amazonaws.com/doc/2010-05-08/"
_STS_NAMESPACE = b"https://sts.amazonaws.com/doc/2011-06-15/"
_NEVER_CONFIGURED = Refused("ResourceNotFoundException", "The specified resource was not found.", 404)
_XML, _JSON = b"text/xml", b"application/x-amz-json-1.1"


@dataclass(frozen=True)
class Conditions:
    """Seconds that a call takes, and the shares of calls that fail. `rate`: IAM's calls a second in an account."""

    latency: float = 0.0
    throttled: float = 0.0
    failed: float = 0.0
    reset: float = 0.0
    rate: float = 0.0


class Answering:
    """Answers requests, and counts them."""

    def __init__(self, organizations: Organizations, iam: Iam, conditions: Conditions, seed: int = 0) -> None:
        self.organizations, self.iam, self.conditions = organizations, iam, conditions
        self.calls: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.connections: set[asyncio.Transport] = set()
        self._dice = Random(seed)
        self._buckets: dict[bytes, tuple[float, float]] = {}
        self._date: tuple[int, bytes] = (0, b"")

    def answer(self, head: bytes, body: bytes) -> bytes | None:
        """Answer one request; None: hang up."""
        signed = _CREDENTIAL.search(head)
        kind, account_id, service = signed.groups() if signed else (b"", b"", b"")
        operation = self._operation(head, body, service)
        self.calls[operation] += 1
        try:
            self._meet_trouble(account_id, service)
            if service == b"organizations":
                return self._json(self.organizations.answer(operation, json.loads(body or b"{}")))
            if service == b"signin":
                return self._refusal(_NEVER_CONFIGURED, speaks_json=True)
            if service == b"sts":
                return self._sts(operation, body, kind, account_id.decode())
            return self._iam(operation, body, account_id.decode())
        except Refused as refused:
            return self._refusal(refused, speaks_json=service in {b"organizations", b"signin"})
        except ConnectionResetError:
            return None

    def _operation(self, head: bytes, body: bytes, service: bytes) -> str:
        if target := _TARGET.search(head):
            return target[1].decode()
        if service == b"signin":
            words = head.split(b" ", 2)[1].strip(b"/").decode().split("-")
            return "".join(word.capitalize() for word in words)
        return body[len(b"Action=") : body.find(b"&")].decode() if body.startswith(b"Action=") else "?"

    def _meet_trouble(self, account_id: bytes, service: bytes) -> None:
        """Let the call fail now and then, as the conditions say. Raises Refused, ConnectionResetError."""
        trouble = self._drawn() or (self._over_rate(account_id) if service == b"iam" else "")
        if not trouble:
            return
        self.troubles[trouble] += 1
        speaks_json = service in {b"organizations", b"signin"}
        match trouble:
            case "throttled":
                raise Refused("TooManyRequestsException" if speaks_json else "Throttling", "Rate exceeded")
            case "failed":
                raise Refused("ServiceException" if speaks_json else "ServiceFailure", "try later", 500)
            case _:
                raise ConnectionResetError

    def _drawn(self) -> str:
        conditions, drawn = self.conditions, self._dice.random()
        for trouble in ("throttled", "failed", "reset"):
            share = getattr(conditions, trouble)
            if drawn < share:
                return trouble
            drawn -= share
        return ""

    def _over_rate(self, account_id: bytes) -> str:
        rate, now = self.conditions.rate, time.monotonic()
        if not rate:
            return ""
        tokens, at = self._buckets.get(account_id, (rate, now))
        tokens = min(rate, tokens + (now - at) * rate)
        self._buckets[account_id] = (max(0.0, tokens - 1), now)
        return "throttled" if tokens < 1 else ""

    def _iam(self, operation: str, body: bytes, account_id: str) -> bytes:
        if operation not in OPERATIONS:
            raise Refused("InvalidAction", f"The stand-in has no {operation}")
        params = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return self._xml(operation, self.iam.answer(account_id, operation, params).encode(), _IAM_NAMESPACE)

    def _sts(self, operation: str, body: bytes, kind: bytes, account_id: str) -> bytes:
        if operation == "AssumeRole":
            role, name = _ROLE.search(body), _SESSION.search(body)
            expires = datetime.now(UTC) + timedelta(hours=1)
            result = (
                session(unquote_plus(role[1].decode()), name[1].decode(), expires) if role and name else ""
            )
        elif operation == "GetCallerIdentity":
            result = caller(account_id, own=kind == b"AKIA")
        else:
            raise Refused("InvalidAction", f"The stand-in has no {operation}")
        return self._xml(operation, result.encode(), _STS_NAMESPACE)

    def _xml(self, operation: str, result: bytes, namespace: bytes) -> bytes:
        name = operation.encode()
        said = b"<ResponseMetadata><RequestId>%b</RequestId></ResponseMetadata>" % self._request_id()
        body = b'<%bResponse xmlns="%b"><%bResult>%b</%bResult>%b</%bResponse>'
        return self._response(200, _XML, body % (name, namespace, name, result, name, said, name))

    def _json(self, answer: Mapping[str, Any]) -> bytes:
        return self._response(200, _JSON, json_of(answer))

    def _refusal(self, refused: Refused, *, speaks_json: bool) -> bytes:
        if speaks_json:
            return self._response(
                refused.status, _JSON, json_of({"__type": refused.code, "message": str(refused)})
            )
        error = f"<Error><Type>Sender</Type><Code>{refused.code}</Code><Message>{refused}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>{self._request_id().decode()}</RequestId></ErrorResponse>"
        return self._response(refused.status, _XML, body.encode())

    def _request_id(self) -> bytes:
        return b"00000000-0000-4000-8000-%012d" % self.calls.total()

    def _response(self, status: int, kind: bytes, body: bytes) -> bytes:
        now = int(time.monotonic())
        if self._date[0] != now:
            self._date = (now, formatdate(usegmt=True).encode())
        head = b"HTTP/1.1 %d X\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
        return head % (status, self._date[1], kind, len(body)) + body

    def control(self, head: bytes, body: bytes) -> bytes:
        """Do what a control request asks for, and answer with the counts."""
        match head.split(b" ", 2)[1].removeprefix(CONTROL):
            case b"reset":
                self.calls.clear()
                self.troubles.clear()
            case b"forget":
                self.iam.forget()
            case b"weather":
                self.conditions = replace(self.conditions, **json.loads(body))
            case _:
                pass
        return self._json({"calls": dict(self.calls), "troubles": dict(self.troubles)})


class _Connection(asyncio.Protocol):
    """One connection that is kept alive; the next request comes after the answer to the last."""

    def __init__(self, answering: Answering, loop: asyncio.AbstractEventLoop) -> None:
        self._answering, self._loop = answering, loop
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._answering.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._answering.connections.discard(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end]
        length = int(found[1]) if (found := _LENGTH.search(head)) else 0
        if len(self._received) < end + 4 + length:
            return
        body, self._received = self._received[end + 4 : end + 4 + length], self._received[end + 4 + length :]
        answering = self._answering
        if head.split(b" ", 2)[1].startswith(CONTROL):
            self._send(answering.control(head, body))
        elif latency := answering.conditions.latency:
            self._loop.call_later(latency, self._send, answering.answer(head, body))
        else:
            self._send(answering.answer(head, body))

    def _send(self, answer: bytes | None) -> None:
        if self._transport is None:
            return
        if answer is None:
            self._transport.abort()
        else:
            self._transport.write(answer)


async def listen(answering: Answering, port: int) -> asyncio.Server:
    """Begin to answer at a port of this machine; 0: any."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Connection(answering, loop), "127.0.0.1", port, backlog=1024)


async def serve(answering: Answering, port: int) -> None:
    """Serve until this process is asked to end."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    server = await listen(answering, port)
    variables = environment(server.sockets[0].getsockname()[1], answering.organizations.management)
    sys.stdout.write("".join(f"export {name}={value}\n" for name, value in variables.items()))
    sys.stdout.flush()
    async with server:
        await over.wait()


def environment(port: int, management: str) -> dict[str, str]:
    """The variables that make AWS clients use it, as an operator of the management account."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": f"AKIA{management}ROLL",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "ROLLOUT_ORGANIZATION": ORGANIZATION,
    }


def main() -> None:
    """Serve the organization that the options describe."""
    parser = argparse.ArgumentParser(description="A fast stand-in for AWS")
    parser.add_argument("--accounts", type=int, default=10)
    parser.add_argument("--users", type=int, default=50, help="in each account")
    parser.add_argument(
        "--one-large", type=int, default=0, help="users of the last account, if not as many as the others"
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-paths", action="store_true", help="ListAccounts tells no Paths")
    for each in fields(Conditions):
        parser.add_argument(f"--{each.name}", type=float, default=0.0)
    chosen = parser.parse_args()
    now = datetime.now(UTC).replace(microsecond=0)
    today = now.replace(hour=0, minute=0, second=0)
    organizations = Organizations(chosen.accounts, today, not chosen.no_paths)
    sizes = {organizations.ids[-1]: chosen.one_large} if chosen.one_large else {}
    iam = Iam(chosen.users, chosen.seed, today, now, sizes)
    conditions = Conditions(**{each.name: getattr(chosen, each.name) for each in fields(Conditions)})
    asyncio.run(serve(Answering(organizations, iam, conditions, chosen.seed), chosen.port))


if __name__ == "__main__":
    main()
