"""Replaces moto's clock and ID generators with the sandbox's while a sandbox runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import moto.iam.models as iam_models
import moto.organizations.models as organizations_models
import moto.organizations.utils as organizations_utils
from moto.core.utils import unix_time

from rollout.sandbox.world.world import PARTITION

if TYPE_CHECKING:
    from rollout.sandbox.world.world import SandboxWorld

# AWS records only the first use of an access key in 15 minutes (IAM User Guide, credential reports).
_KEY_USE_GRAIN = timedelta(minutes=15)


@contextmanager
def moto_told(world: SandboxWorld) -> Iterator[None]:
    """Install the sandbox's clock and ID generators in moto, and restore moto's own at the end."""
    ids = world.ids
    substitutes: list[tuple[Any, str, Callable[..., Any]]] = [
        (iam_models, "utcnow", world.clock.naive),
        (iam_models, "mark_account_as_visited", _key_uses_noted_in(world)),
        (organizations_models, "utcnow", world.clock.naive),
        (organizations_models, "unix_time", lambda moment=None: unix_time(moment or world.clock.naive())),
        (organizations_utils, "make_random_org_id", ids.organization),
        (organizations_utils, "make_random_root_id", ids.root),
        (organizations_utils, "make_random_account_id", world.next_account_id),
        (
            organizations_utils,
            "make_random_ou_id",
            lambda _root: ids.organizational_unit(f"#{world.next('ou')}"),
        ),
        (
            organizations_utils,
            "make_random_policy_id",
            lambda: ids.organization_policy(f"#{world.next('organization-policy')}"),
        ),
    ]
    originals = [(module, name, getattr(module, name)) for module, name, _ in substitutes]
    try:
        for module, name, substitute in substitutes:
            setattr(module, name, substitute)
        yield
    finally:
        for module, name, original in originals:
            setattr(module, name, original)


def _key_uses_noted_in(world: SandboxWorld) -> Callable[..., None]:
    def note(account_id: str, access_key: str, service: str, region: str) -> None:
        key = iam_models.iam_backends[account_id][PARTITION].access_keys.get(access_key)
        if key is None:
            return
        now: datetime = world.clock.naive()
        if key.last_used is None or now - key.last_used.timestamp >= _KEY_USE_GRAIN:
            key.last_used = iam_models.AccessKeyLastUsed(timestamp=now, service=service, region=region)

    return note
