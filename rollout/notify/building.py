"""Builds the chosen channel with the `build` of the module of its name in this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rollout.domain.progress.channels import Channel
from rollout.domain.progress.messages import Delivery
from rollout.workflows.ports import Notifier

if TYPE_CHECKING:
    from rollout.notify.letter import LetterPress


Clients = Callable[[str, str, str], Any]
"""Makes a client of an AWS service, in a Region and for a role (both may be empty)."""


def _no_clients(service: str, region: str, role: str) -> Any:
    raise LookupError(f"no client of {service} {region} {role}")


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """What every channel gets besides its own keys.

    `press` makes the letters, `delivery` is how far a message has got when the channel takes it, and `counts` how
    far it has to get to count. `clients` makes clients of AWS.
    """

    press: LetterPress
    delivery: Delivery
    now: Callable[[], datetime]
    counts: Delivery = Delivery.DELIVERED
    clients: Clients = _no_clients

    @property
    def sender(self) -> str:
        """The address that notices come from."""
        return self.press.head.sender


def build_channel(
    channel: Channel,
    values: Mapping[str, object],
    press: LetterPress,
    now: Callable[[], datetime],
    clients: Clients = _no_clients,
) -> Notifier:
    """Build a channel with the values of its keys, except the one that only says what a message counts as."""
    setup = ChannelSetup(press, channel.delivery_of(values), now, channel.counts_of(values), clients)
    own = {name: value for name, value in values.items() if name not in channel.what_counts}
    notifier: Notifier = import_module(f"rollout.notify.{channel.name}").build(setup, **own)
    return notifier
