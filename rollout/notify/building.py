"""Builds the chosen channel with the `build` of the module of its name in this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

from rollout.domain.progress.channels import Channel
from rollout.domain.progress.messages import Delivery
from rollout.workflows.ports import Notifier

if TYPE_CHECKING:
    from rollout.notify.letter import LetterPress


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """What every channel gets besides its own keys.

    `press` makes the letters, `delivery` is how far a message has got when the channel takes it, and `counts` how
    far it has to get to count.
    """

    press: LetterPress
    delivery: Delivery
    now: Callable[[], datetime]
    counts: Delivery = Delivery.DELIVERED

    @property
    def sender(self) -> str:
        """The address that notices come from."""
        return self.press.head.sender


def build_channel(
    channel: Channel,
    values: Mapping[str, object],
    press: LetterPress,
    now: Callable[[], datetime],
) -> Notifier:
    """Build a channel with the values of its keys, except the one that only says what a message counts as."""
    setup = ChannelSetup(press, channel.delivery_of(values), now, channel.counts_of(values))
    own = {name: value for name, value in values.items() if name not in channel.what_counts}
    notifier: Notifier = import_module(f"rollout.notify.{channel.name}").build(setup, **own)
    return notifier
