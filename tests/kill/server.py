"""An AWS in a process of its own: the embedded organization, in bad weather, which writes down every write it sees.

Run as `python -m tests.kill.server DESCRIPTION`: says where it is on stdout, and ends when its stdin does.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any

from moto.iam.models import AWSManagedPolicy
from werkzeug.wrappers import Request

from rollout.domain.policy.made import RUN_TAG
from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.serving.asked_operations import speaks_json
from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.world import SandboxWorld
from tests.interventions import Call, Environ, StartResponse, hang_up, refused
from tests.kill.organization import INSTANCE
from tests.kill.weather import LATE, Trouble, Weather

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CONTROL = "/kill-test/"
WRITES = ("Add", "Attach", "Create", "Delete", "Detach", "Put", "Remove", "Set", "Tag", "Untag", "Update")


@dataclass(frozen=True)
class Write:
    """One write as the server saw it. `target` names what it was about, `effect` tells whether anything changed."""

    account: str
    operation: str
    target: tuple[str, ...]
    effect: bool
    request_id: str
    trouble: Trouble


@dataclass
class Trap:
    """Kills a process at its so-many-th write from now: before it has an effect, or after, unanswered."""

    pid: int
    countdown: int
    after: bool

    def springs(self) -> bool:
        self.countdown -= 1
        return self.countdown == 0


class Recorder:
    """The WSGI application: bad weather and a pen around the embedded organization."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._world: SandboxWorld = sandbox._world
        self._inner = sandbox._server.app
        self._weather: Weather | None = None
        self._trap: Trap | None = None
        self._dice = Random(INSTANCE)
        self._writes: list[Write] = []
        self._troubles: dict[str, int] = dict.fromkeys(Trouble, 0)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; all of them take turns."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        with self._world.lock:
            if environ["PATH_INFO"].startswith(CONTROL):
                return self._control(environ["PATH_INFO"].removeprefix(CONTROL), body, start_response)
            return self._answer(environ, start_response)

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = Call.of(environ, self._world)
        account, service, operation, params = call.account, call.service, call.operation, call.params
        writes = service == "iam" and operation.startswith(WRITES)
        request = f"{account} {operation} {hashlib.sha256(_constant(params)).hexdigest()}"
        trouble = self._weather.meets(request) if self._weather else Trouble.NONE
        self._troubles[trouble] += 1
        if trouble in {Trouble.THROTTLED, Trouble.FAILED}:
            if writes:
                self._note(account, operation, params, Answer(), effect=False, trouble=trouble)
            return _refuse(trouble, service, environ, start_response)
        if trouble is Trouble.LATE:
            return self._answer_late(environ, account, operation, params)
        sprung = self._trap if writes and self._trap and self._trap.springs() else None
        if sprung and not sprung.after:
            return self._kill(environ)
        before = state_of(self._world, account) if writes else {}
        answer = self._ask(environ)
        if writes:
            effect = before != state_of(self._world, account)
            self._note(account, operation, params, answer, effect=effect, trouble=trouble)
        if sprung:
            return self._kill(environ)
        if trouble is Trouble.LOST:
            return hang_up(environ)
        if trouble is Trouble.FAILED_AFTER:
            return _refuse(trouble, service, environ, start_response)
        start_response(answer.status_line, answer.headers)
        return [answer.body]

    def _answer_late(
        self, environ: Environ, account: str, operation: str, params: Mapping[str, str]
    ) -> Iterable[bytes]:
        """Hang up, and do what was asked when nobody waits for it any more."""

        def do() -> None:
            with self._world.lock:
                before = state_of(self._world, account)
                answer = self._ask(environ)
                effect = before != state_of(self._world, account)
                self._note(account, operation, params, answer, effect=effect, trouble=Trouble.LATE)

        if operation.startswith(WRITES):
            Timer(self._dice.uniform(*LATE), do).start()
        return hang_up(environ)

    def _ask(self, environ: Environ) -> Answer:
        answer = Answer()

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            answer.status_line, answer.headers = status, headers
            return lambda _: None  # an old way to answer that nobody goes

        answer.body = b"".join(self._inner(environ, start))
        return answer

    def _note(
        self,
        account: str,
        operation: str,
        params: Mapping[str, str],
        answer: Answer,
        *,
        effect: bool,
        trouble: Trouble,
    ) -> None:
        target = target_of(account, params)
        write = Write(account, operation, target, effect, answer.request_id, trouble)
        self._writes.append(write)

    def _kill(self, environ: Environ) -> Iterable[bytes]:
        if self._trap:
            with suppress(ProcessLookupError):
                os.kill(self._trap.pid, signal.SIGKILL)
            self._trap = None
        return hang_up(environ)

    def _control(self, order: str, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        told = json.loads(body) if body else {}
        match order:
            case "state":
                said: object = {account: state_of(self._world, account) for account in self._world.accounts}
            case "writes":
                said = [asdict(write) for write in self._writes]
            case "troubles":
                said = self._troubles
            case "weather":
                self._weather = Weather(told["seed"]) if told["seed"] is not None else None
                said = None
            case "trap":
                self._trap = Trap(**told) if told else None
                said = None
            case "advance":
                said = self._sandbox.advance(timedelta(seconds=told["seconds"])).isoformat()
            case _:
                raise AssertionError(order)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(said).encode()]


@dataclass
class Answer:
    """What the embedded organization said."""

    status_line: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def request_id(self) -> str:
        """AWS's id of the request."""
        return next((value for name, value in self.headers if name.lower() == "x-amzn-requestid"), "")


def _constant(params: Mapping[str, str]) -> bytes:
    """Spell what is asked, but for what is another in each run."""
    return json.dumps(
        {name: value for name, value in params.items() if name != "RoleSessionName"}, sort_keys=True
    ).encode()


def target_of(account: str, params: Mapping[str, str]) -> tuple[str, ...]:
    """Name what a write is about: policy, version, group and user, as far as it names them."""
    arn = params.get("PolicyArn", "")
    if "PolicyName" in params:
        arn = f"arn:aws:iam::{account}:policy{params.get('Path', '/')}{params['PolicyName']}"
    named = (arn, params.get("VersionId", ""), params.get("GroupName", ""), params.get("UserName", ""))
    return tuple(name for name in named if name)


def state_of(world: SandboxWorld, account: str) -> dict[str, Any]:
    """Say all that a write of ours could change in an account."""
    iam = world.iam(account)
    return {
        "policies": {
            arn: {
                # The run that made it depends on who was killed when.
                "tags": {key: tag for key, tag in policy.tags.items() if key.casefold() != RUN_TAG},
                "versions": {
                    version.version_id: [version.is_default, version.document] for version in policy.versions
                },
            }
            for arn, policy in iam.managed_policies.items()
            if not isinstance(policy, AWSManagedPolicy)
        },
        "groups": {
            name: {
                "path": group.path,
                "attached": sorted(group.managed_policies),
                "inline": dict(group.policies),
                "members": sorted(user.name for user in group.users),
            }
            for name, group in iam.groups.items()
        },
        "users": {
            name: {"attached": sorted(user.managed_policies), "inline": dict(user.policies)}
            for name, user in iam.users.items()
        },
    }


def _refuse(
    trouble: Trouble, service: str, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Say no as the service would: throttled, or with a fault of its own."""
    json_wanted = speaks_json(Request(environ), service)
    if trouble is Trouble.THROTTLED:
        code = "TooManyRequestsException" if json_wanted else "Throttling"
    else:
        code = "ServiceException" if json_wanted else "ServiceFailure"
    return refused(AwsError(code, "bad weather"), service, environ, start_response)


def main() -> None:
    """Serve until stdin ends: with whoever started this, however that ended."""
    with Sandbox.start(NOW, instance=INSTANCE, description=Path(sys.argv[1])) as sandbox:
        sandbox._server.app = Recorder(sandbox)
        place = {
            "port": sandbox.port,
            "organization": sandbox.organization_id,
            "environment": sandbox.environment(),
        }
        sys.stdout.write(f"{json.dumps(place)}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
