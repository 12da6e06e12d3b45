"""Starts and stops an embedded AWS organization in this process; it speaks HTTP on the loopback only."""

from __future__ import annotations

import secrets
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rollout.sandbox.extra import SandboxExtraMissing, require_extra
from rollout.sandbox.world.blueprint import read_blueprint
from rollout.sandbox.world.sandbox_clock import Clock
from rollout.sandbox.world.settings_file import settings_text

if TYPE_CHECKING:
    from rollout.sandbox.serving.assembly import Assembled

__all__ = ["Sandbox", "SandboxAlreadyRuns", "SandboxExtraMissing"]

REGION = "us-east-1"
_ONE_AT_A_TIME = threading.Lock()


class SandboxAlreadyRuns(RuntimeError):
    """There is one sandbox to a process, because moto keeps its state in the process."""


class Sandbox:
    """A running embedded organization; use it as a context manager, or call `stop`."""

    def __init__(self, assembled: Assembled, instance: str, control_token: str, closing: ExitStack) -> None:
        """Take over what `start` has made."""
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
    ) -> Self:
        """Start the described organization at the moment `now`.

        `instance` settles every id that the description leaves open; without one, each start is another
        organization. A clock that is not `ticking` moves only by `advance`, which makes reports repeatable.
        """
        require_extra()
        from rollout.sandbox.serving.assembly import assemble  # moto need not be installed, nor loaded

        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise SandboxAlreadyRuns("another sandbox runs in this process: stop it first")
        chosen, token = instance or secrets.token_hex(8), secrets.token_hex(16)
        with ExitStack() as opening:
            opening.callback(_ONE_AT_A_TIME.release)
            blueprint, clock = read_blueprint(now, description), Clock(now, ticking=ticking)
            assembled = assemble(opening, blueprint, clock, chosen, token, port)
            thread = threading.Thread(
                target=assembled.server.serve_forever, args=(0.05,), name="sandbox", daemon=True
            )
            thread.start()
            opening.callback(thread.join)
            opening.callback(assembled.server.shutdown)
            return cls(assembled, chosen, token, opening.pop_all())

    @property
    def port(self) -> int:
        """Give the port on 127.0.0.1."""
        return self._server.port

    @property
    def endpoint(self) -> str:
        """Give the URL at which the organization answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def organization_id(self) -> str:
        """Give the organization's id."""
        return self._world.ids.organization()

    def environment(self) -> dict[str, str]:
        """Give the variables with which any AWS client talks to this organization as its operator."""
        management = self._blueprint.management.id
        return self.environment_of(f"arn:aws:iam::{management}:user/{self._blueprint.operator}")

    def environment_of(self, user_arn: str) -> dict[str, str]:
        """Give the variables with which a client talks as one of the users, by an active key of theirs."""
        iam = self._world.iam(user_arn.split(":")[4])
        keys = [key for user in iam.users.values() if user.arn == user_arn for key in user.access_keys]
        key = next((key for key in keys if key.status == "Active"), None)
        if key is None:
            raise LookupError(f"{user_arn} has no active access key")
        return self._variables(key.access_key_id, key.secret_access_key)

    def expired_environment(self) -> dict[str, str]:
        """Give variables with credentials that have run out, for a look at what is said then."""
        from rollout.sandbox.access.callers import EXPIRED_ACCESS_KEY_ID  # needs moto

        return {**self._variables(EXPIRED_ACCESS_KEY_ID, "expired"), "AWS_SESSION_TOKEN": "expired"}

    def settings(self) -> str:
        """Give the `rollout.yaml` that goes with this organization."""
        return settings_text(self.instance, self._blueprint, self.now())

    def now(self) -> datetime:
        """Tell the sandbox's time."""
        return self._world.clock.now()

    def advance(self, delta: timedelta) -> datetime:
        """Move the sandbox's clock forward and tell its new time; sessions do not notice."""
        return self._world.clock.advance(delta)

    def stop(self) -> None:
        """Stop answering, and leave nothing behind in moto; stopping twice does no harm."""
        self._closing.close()

    def __enter__(self) -> Self:
        """Enter with the sandbox running."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it, whatever happened."""
        self.stop()

    def _variables(self, key_id: str, secret: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
