"""Puts the parts of a sandbox together; all that needs moto or flask is imported from here."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.organizations.models import organizations_backends
from werkzeug.serving import BaseWSGIServer, make_server

from rollout.sandbox.blueprint import read_blueprint
from rollout.sandbox.clock import Clock
from rollout.sandbox.gateway import Gateway
from rollout.sandbox.identifiers import Identifiers
from rollout.sandbox.seed import seed
from rollout.sandbox.substitutes import moto_told
from rollout.sandbox.world import World


def assemble(
    opening: ExitStack, now: datetime, port: int, instance: str, description: Path | None, *, ticking: bool
) -> tuple[World, tuple[str, str], BaseWSGIServer]:
    """Seed the organization and bind its port; what must be undone on stopping is put on `opening`."""
    blueprint = read_blueprint(now, description)
    world = World(Clock(now, ticking=ticking), Identifiers(instance), blueprint.management.id)
    opening.enter_context(moto_told(world))
    opening.callback(_forget_everything)
    _forget_everything()
    seed(world, blueprint)
    operator = world.iam(blueprint.management.id).users[blueprint.operator].access_keys[0]
    server = make_server(
        "127.0.0.1",
        port,
        Gateway(world, DomainDispatcherApplication(create_backend_app)),
        threaded=True,
        request_handler=_handler_for(world),
    )
    opening.callback(server.server_close)
    return world, (operator.access_key_id, operator.secret_access_key), server


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
