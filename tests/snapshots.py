"""Remembers an embedded organization as it stands, and puts it back: in 5 ms, where making it so takes seconds."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core.base_backend import BaseBackend
from moto.iam.models import iam_backends
from moto.organizations.models import organizations_backends
from moto.s3.models import s3_backends

from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.world import PARTITION

BACKENDS: dict[str, Any] = {"iam": iam_backends, "organizations": organizations_backends, "s3": s3_backends}
FACTS = ("accounts", "sessions", "planned_accounts", "counts")
"""What a World knows beyond moto that changes."""


@dataclass(frozen=True)
class Snapshot:
    """One organization at one moment of its clock; it fits every sandbox of the same instance, also a later one."""

    instance: str
    content: bytes

    @classmethod
    def of(cls, sandbox: Sandbox) -> Snapshot:
        """Remember an organization whose clock does not tick."""
        world = sandbox._world
        with world.lock:
            state = {
                "clock": world.clock.now(),
                "facts": {name: getattr(world, name) for name in FACTS},
                "backends": {place: vars(backend) for place, backend in _backends()},
                "indexes": _indexes(),
            }
            stream = io.BytesIO()
            _Pickler(stream).dump(state)
        return cls(sandbox.instance, stream.getvalue())

    def restore(self, sandbox: Sandbox) -> None:
        """Put an organization back to where it was, and its clock."""
        assert self.instance == sandbox.instance
        world = sandbox._world
        with world.lock:
            state = _Unpickler(io.BytesIO(self.content)).load()
            for name, value in state["facts"].items():
                setattr(world, name, value)
            for (kind, account), _backend in _backends():
                if (kind, account) not in state["backends"]:
                    del BACKENDS[kind][account]
            for (kind, account), attributes in state["backends"].items():
                backend = BACKENDS[kind][account][PARTITION]
                vars(backend).clear()
                vars(backend).update(attributes)
            for index, content in zip(_indexes(), state["indexes"], strict=True):
                index.clear()
                index.update(content)
            world.clock._start = state["clock"]


def _indexes() -> list[dict[str, Any]]:
    """What moto knows across accounts: the management accounts, and the owners of buckets."""
    return [organizations_backends.master_accounts, s3_backends.bucket_accounts]


def _backends() -> Iterator[tuple[tuple[str, str], BaseBackend]]:
    for kind, accounts in BACKENDS.items():
        for account in list(accounts):
            if PARTITION in accounts[account]:
                yield (kind, account), accounts[account][PARTITION]


class _Pickler(pickle.Pickler):
    """A backend is its place: what refers to one must refer to the one in use after it was restored."""

    def persistent_id(self, thing: Any) -> tuple[str, str] | None:
        if isinstance(thing, BaseBackend):
            return next(place for place, backend in _backends() if backend is thing)
        return None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, place: Any) -> Any:
        kind, account = place
        return BACKENDS[kind][account][PARTITION]
