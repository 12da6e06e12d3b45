"""The channels that carry notices: what each is called, what it is told by `notify`, and what its receipt means.

One row a channel; the module of that name in `rollout/notify` builds it. Settings, their reference and the starter file
are derived from the rows (design.md#stages-and-gates).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.progress.messages import Delivery


class KeyKind(StrEnum):
    """What a key of a channel holds. A relative folder starts where `rollout.yaml` is."""

    FOLDER = "folder"
    FLAG = "flag"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """A key below `notify` that only one channel reads; `name` is the channel's, or begins with it and `_`.

    `meaning` is one sentence for schema, reference and starter file.
    """

    name: str
    kind: KeyKind
    default: str | bool
    meaning: str

    @property
    def default_text(self) -> str:
        """The default, as it stands in `rollout.yaml`."""
        return str(self.default).lower() if isinstance(self.default, bool) else self.default


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to carry a notice. `meaning` says how, in one sentence.

    `delivery` is what a message that the channel took counts as. `delivered_with` names the flag among its keys by
    which the operator vouches that such a message is delivered; empty where there is none.
    """

    name: str
    meaning: str
    delivery: Delivery
    keys: tuple[ChannelKey, ...] = ()
    delivered_with: str = ""

    def delivery_of(self, values: Mapping[str, object]) -> Delivery:
        """Say what a message counts as, with these values of the channel's keys."""
        return Delivery.DELIVERED if values.get(self.delivered_with) is True else self.delivery


CHANNELS = (
    Channel(
        "outbox",
        "Mails are written into a folder, for you to send.",
        Delivery.QUEUED,
        (
            ChannelKey(
                "outbox",
                KeyKind.FOLDER,
                "outbox",
                "The folder that mails are written into; relative to the file.",
            ),
            ChannelKey(
                "outbox_counts",
                KeyKind.FLAG,
                default=False,
                meaning="Count a mail in the outbox as delivered; say so only where something sends it, for enforcement"
                " then follows.",
            ),
        ),
        delivered_with="outbox_counts",
    ),
)
"""The first is the default."""


def channel_named(name: str) -> Channel:
    """Find a channel that `notify.channel` names. Raises KeyError."""
    return {channel.name: channel for channel in CHANNELS}[name]


def folder_keys() -> tuple[str, ...]:
    """Name the keys of all channels that hold folders."""
    return tuple(key.name for channel in CHANNELS for key in channel.keys if key.kind is KeyKind.FOLDER)
