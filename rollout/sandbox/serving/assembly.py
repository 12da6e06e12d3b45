"""Assembles a sandbox; only this module imports what needs moto or flask."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.organizations.models import organizations_backends
from werkzeug.serving import BaseWSGIServer, make_server

from rollout.sandbox.serving.control import Control
from rollout.sandbox.serving.gateway import Gateway
from rollout.sandbox.world.blueprint import Blueprint
from rollout.sandbox.world.identifiers import Identifiers
from rollout.sandbox.world.sandbox_clock import SandboxClock
from rollout.sandbox.world.seed import seed
from rollout.sandbox.world.substitutes import moto_told
from rollout.sandbox.world.world import SandboxWorld

Controls = tuple[str, Callable[[], None] | None]
"""The token of a sandbox's control requests, and what ends it."""


@dataclass(frozen=True)
class Assembled:
    """A sandbox that is ready to serve."""

    world: SandboxWorld
    blueprint: Blueprint
    server: BaseWSGIServer


def assemble(
    opening: ExitStack,
    blueprint: Blueprint,
    clock: SandboxClock,
    instance: str,
    port: int,
    controls: Controls,
) -> Assembled:
    """Seed the organization and bind its port; push the clean-up for stopping onto `opening`."""
    world = SandboxWorld(
        clock, Identifiers(instance), blueprint.management.id, blueprint.aws_managed_policies
    )
    opening.enter_context(moto_told(world))
    opening.callback(_forget_everything)
    _forget_everything()
    seed(world, blueprint)
    gateway = Gateway(world, Control(world, *controls))
    server = make_server("127.0.0.1", port, gateway, threaded=True, request_handler=_handler_for(world))
    opening.callback(server.server_close)
    return Assembled(world, blueprint, server)


def _forget_everything() -> None:
    BackendDict.reset()
    organizations_backends.master_accounts.clear()


def _handler_for(world: SandboxWorld) -> type[MotoRequestHandler]:
    class Handler(MotoRequestHandler):
        """Dates every response with the sandbox's time, which `rollout` uses for its decisions."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            del timestamp  # the server's own time does not matter
            return super().date_time_string(world.clock.now().timestamp())

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            """Log nothing: the gateway logs each request with its operation."""

    return Handler
