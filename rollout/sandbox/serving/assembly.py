"""Puts the parts of a sandbox together; all that needs moto or flask is imported from here."""

from __future__ import annotations

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
from rollout.sandbox.world.sandbox_clock import Clock
from rollout.sandbox.world.seed import seed
from rollout.sandbox.world.substitutes import moto_told
from rollout.sandbox.world.world import World


@dataclass(frozen=True)
class Assembled:
    """A sandbox that is ready to serve."""

    world: World
    blueprint: Blueprint
    server: BaseWSGIServer


def assemble(
    opening: ExitStack, blueprint: Blueprint, clock: Clock, instance: str, token: str, port: int
) -> Assembled:
    """Seed the organization and bind its port; what must be undone on stopping is put on `opening`."""
    world = World(clock, Identifiers(instance), blueprint.management.id, blueprint.aws_managed_policies)
    opening.enter_context(moto_told(world))
    opening.callback(_forget_everything)
    _forget_everything()
    seed(world, blueprint)
    gateway = Gateway(world, Control(world, token))
    server = make_server("127.0.0.1", port, gateway, threaded=True, request_handler=_handler_for(world))
    opening.callback(server.server_close)
    return Assembled(world, blueprint, server)


def _forget_everything() -> None:
    BackendDict.reset()
    organizations_backends.master_accounts.clear()


def _handler_for(world: World) -> type[MotoRequestHandler]:
    class Handler(MotoRequestHandler):
        """Stamps every response with the sandbox's date, by which the tool takes its decisions."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            del timestamp  # the server's own time is of no interest
            return super().date_time_string(world.clock.now().timestamp())

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            """Leave the log to the gateway, which knows what was asked."""

    return Handler
