"""Starts and stops an embedded AWS organization in this process; it speaks HTTP on the loopback only."""

from __future__ import annotations

import secrets
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from rollout.sandbox.world import World

REGION = "us-east-1"
_ONE_AT_A_TIME = threading.Lock()


class SandboxExtraMissing(ImportError):
    """The embedded organization needs moto and flask, which only the `sandbox` extra brings."""


class SandboxAlreadyRuns(RuntimeError):
    """There is one sandbox to a process, because moto keeps its state in the process."""


class Sandbox:
    """A running embedded organization; use it as a context manager, or call `stop`."""

    def __init__(self, world: World, server: BaseWSGIServer, operator: tuple[str, str], closing: ExitStack) -> None:
        """Take over what `start` has made."""
        self._world, self._server, self._operator, self._closing = world, server, operator, closing

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
        try:
            from rollout.sandbox.assembly import assemble
        except ImportError as error:
            msg = f"the embedded organization is not installed ({error.name} is missing)"
            raise SandboxExtraMissing(msg, name=error.name) from error
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            msg = "another sandbox runs in this process: stop it first"
            raise SandboxAlreadyRuns(msg)
        with ExitStack() as opening:
            opening.callback(_ONE_AT_A_TIME.release)
            world, operator, server = assemble(
                opening, now, port, instance or secrets.token_hex(8), description, ticking=ticking
            )
            thread = threading.Thread(target=server.serve_forever, name="sandbox", daemon=True)
            thread.start()
            opening.callback(thread.join)
            opening.callback(server.shutdown)
            return cls(world, server, operator, opening.pop_all())

    @property
    def endpoint(self) -> str:
        """Give the URL at which the organization answers."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def organization_id(self) -> str:
        """Give the organization's id."""
        return self._world.ids.organization()

    def environment(self) -> dict[str, str]:
        """Give the variables with which any AWS client talks to this organization as its operator."""
        key_id, secret = self._operator
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

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
