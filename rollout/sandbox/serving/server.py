"""Starts and stops a sandbox in this process; it only listens on the loopback address."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rollout.sandbox.extra import SandboxExtraMissing, require_extra
from rollout.sandbox.world.blueprint import read_blueprint
from rollout.sandbox.world.sandbox_clock import SandboxClock
from rollout.sandbox.world.settings_file import settings_text

if TYPE_CHECKING:
    from rollout.sandbox.serving.assembly import Assembled

__all__ = ["Sandbox", "SandboxAlreadyRuns", "SandboxExtraMissing"]

REGION = "us-east-1"
_ONE_AT_A_TIME = threading.Lock()


class SandboxAlreadyRuns(RuntimeError):
    """A process can run only one sandbox, since moto keeps its state in global variables."""


class Sandbox:
    """A running sandbox; use it as a context manager, or call `stop`."""

    def __init__(self, assembled: Assembled, instance: str, control_token: str, closing: ExitStack) -> None:
        """Keep the parts that `start` has created."""
        self._world, self._blueprint, self._server = assembled.world, assembled.blueprint, assembled.server
        self.instance, self.control_token = instance, control_token
        self._closing = closing

    @classmethod
    def start(
        cls,
        now: datetime,
        *,
        port: int = 0,
        instance: str | None = None,
        description: Path | None = None,
        ticking: bool = True,
        when_asked_to_stop: Callable[[], None] | None = None,
    ) -> Self:
        """Start the described organization at the time `now`. Raises SandboxAlreadyRuns.

        `instance` determines every ID that the description leaves open; without one, each start gives another
        organization. A clock that is not `ticking` only moves through `advance`, which makes reports reproducible.
        Whoever has its token can ask it to stop where `when_asked_to_stop` says what to do then.
        """
        require_extra()
        from rollout.sandbox.serving.assembly import assemble  # moto need not be installed, nor loaded

        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise SandboxAlreadyRuns("another sandbox is running in this process: stop it first")
        chosen, token = instance or secrets.token_hex(8), secrets.token_hex(16)
        with ExitStack() as opening:
            opening.callback(_ONE_AT_A_TIME.release)
            blueprint, clock = read_blueprint(now, description), SandboxClock(now, ticking=ticking)
            assembled = assemble(opening, blueprint, clock, chosen, port, (token, when_asked_to_stop))
            thread = threading.Thread(
                target=assembled.server.serve_forever, args=(0.05,), name="sandbox", daemon=True
            )
            thread.start()
            opening.callback(thread.join)
            opening.callback(assembled.server.shutdown)
            return cls(assembled, chosen, token, opening.pop_all())

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return self._server.port

    @property
    def endpoint(self) -> str:
        """The URL of the organization's endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def organization_id(self) -> str:
        """The organization's ID."""
        return self._world.ids.organization()

    def environment(self) -> dict[str, str]:
        """Return the environment variables that make AWS clients use this organization, as its operator."""
        management = self._blueprint.management.id
        return self.environment_of(f"arn:aws:iam::{management}:user/{self._blueprint.operator}")

    def environment_of(self, user_arn: str) -> dict[str, str]:
        """Return the same variables for one of the users, with one of the user's active keys. Raises LookupError."""
        iam = self._world.iam(user_arn.split(":")[4])
        keys = [key for user in iam.users.values() if user.arn == user_arn for key in user.access_keys]
        key = next((key for key in keys if key.status == "Active"), None)
        if key is None:
            raise LookupError(f"{user_arn} has no active access key")
        return self._variables(key.access_key_id, key.secret_access_key)

    def expired_environment(self) -> dict[str, str]:
        """Return the same variables with expired credentials."""
        from rollout.sandbox.access.callers import EXPIRED_ACCESS_KEY_ID  # needs moto

        return {**self._variables(EXPIRED_ACCESS_KEY_ID, "expired"), "AWS_SESSION_TOKEN": "expired"}

    def settings(self) -> str:
        """Return the `rollout.yaml` for this organization."""
        return settings_text(self.instance, self._blueprint, self.now())

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._world.clock.now()

    def advance(self, delta: timedelta) -> datetime:
        """Move the sandbox's clock forward and return its new time; sessions keep expiring in real time."""
        return self._world.clock.advance(delta)

    def stop(self) -> None:
        """Stop serving, and reset moto; stopping twice has no effect."""
        self._closing.close()

    def __enter__(self) -> Self:
        """Enter with the sandbox running."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the sandbox."""
        self.stop()

    def _variables(self, key_id: str, secret: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
