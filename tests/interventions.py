"""Acts at the n-th call that reaches the embedded organization, so that a test can show what comes in between.

with at_call(sandbox, "AddUserToGroup", number=3, do=lambda: helpdesk.reset("alice")):
    ...  # alice's password is reset right before the third such call is answered

with at_call(sandbox, "CreatePolicyVersion", refuse="Throttling", times=5) as calls:
    ...
assert calls.counted > 5
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.access.callers import caller_of
from rollout.sandbox.access.refusals import refusal
from rollout.sandbox.access.signatures import signature_of
from rollout.sandbox.serving.asked_operations import action_of, speaks_json
from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.world import SandboxWorld

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


@dataclass(frozen=True)
class Call:
    """One request as AWS would name it. Without a valid signature, account and service are empty."""

    account: str
    service: str
    operation: str
    params: dict[str, str]

    @classmethod
    def of(cls, environ: Environ, world: SandboxWorld) -> Call:
        """Read a request; whoever answers it afterwards can read it again."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        try:
            signature = signature_of(environ.get("HTTP_AUTHORIZATION", ""))
            token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN")
            account, service = caller_of(world, signature.key_id, token).account, signature.service
        except AwsError:
            account = service = ""
        request = Request({**environ, "wsgi.input": BytesIO(body)})
        operation = action_of(request, service)
        if speaks_json(request, service):
            return cls(account, service, operation, {"body": body.decode()})
        params = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        params.pop("Action", "")
        return cls(account, service, operation, params)


@dataclass
class Calls:
    """The calls that matched so far: how many there were, and at how many of them the tool acted."""

    counted: int = 0
    acted: int = 0
    problem: BaseException | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, number: int, times: int) -> bool:
        """Count one call, and tell whether it is one to act at."""
        with self.lock:
            self.counted += 1
            due = number <= self.counted < number + times
            self.acted += due
        return due


@contextmanager
def at_call(
    sandbox: Sandbox,
    operation: str,
    *,
    number: int = 1,
    times: int = 1,
    when: Callable[[Call], bool] = lambda _: True,
    do: Callable[[], object] | None = None,
    delay: float = 0,
    refuse: str = "",
    saying: str = "bad weather",
    after: bool = False,
    lose: bool = False,
) -> Iterator[Calls]:
    """Act at the `number`-th call of an operation, and at the `times - 1` calls after it.

    `when` narrows the calls that count, such as to one account or one user. What can be done, in this order:

    - `delay`: wait for so many seconds of real time;
    - `do`: call a function. It may itself call the organization: it runs before the call takes its turn, and other
      calls go on meanwhile. Calls of the same operation that it makes count too;
    - `refuse`: answer with this error code, such as `Throttling`, and the sentence `saying`, without any effect.

    With `after`, `delay` and `do` come between the call's effect and its answer; with `lose`, the effect stands and the
    connection ends without an answer.

    A moment that never came fails the test, and so does an exception in `do`.
    """
    world, calls = sandbox._world, Calls()
    inner: Application = sandbox._server.app

    def act() -> None:
        time.sleep(delay)
        if do:
            try:
                do()
            except BaseException as problem:  # noqa: BLE001 - raised again where the test can see it
                calls.problem = problem

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = Call.of(environ, world)
        if call.operation != operation or not when(call) or not calls.due(number, times):
            return inner(environ, start_response)
        if not after:
            act()
        if refuse:
            return refused(AwsError(refuse, saying), call.service, environ, start_response)
        body = list(inner(environ, start_response))
        if after:
            act()
        return hang_up(environ) if lose else body

    sandbox._server.app = answer
    try:
        yield calls
    finally:
        sandbox._server.app = inner
    if calls.problem:
        raise calls.problem
    assert calls.acted, f"call {number} of {operation} never came: there were {calls.counted}"


@contextmanager
def overhearing(sandbox: Sandbox) -> Iterator[list[tuple[Call, Environ]]]:
    """Collect every request that reaches the organization, with its headers as WSGI has them (`HTTP_USER_AGENT`)."""
    world, heard = sandbox._world, list[tuple[Call, Environ]]()
    inner: Application = sandbox._server.app

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        heard.append((Call.of(environ, world), environ))
        return inner(environ, start_response)

    sandbox._server.app = answer
    try:
        yield heard
    finally:
        sandbox._server.app = inner


def refused(
    error: AwsError, service: str, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Say no as the service would: 500 to a fault of its own, else 400."""
    json_wanted = speaks_json(Request(environ), service)
    _, headers, text = refusal(error, service, "", speaks_json=json_wanted)
    own_fault = error.code in {"ServiceFailure", "ServiceException", "InternalFailure"}
    start_response("500 Internal Server Error" if own_fault else "400 Bad Request", list(headers.items()))
    return [text.encode()]


def hang_up(environ: Environ) -> Iterable[bytes]:
    """End the connection without a word, whoever may still listen."""
    with suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError
