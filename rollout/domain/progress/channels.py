"""Lists the channels that carry notices: the name, the settings and the meaning of a receipt of each.

Each channel is one row, and the module of its name in `rollout/notify` builds it. Settings, their reference and the
starter file are derived from the rows (design.md#stages-and-gates).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.progress.messages import Delivery


class KeyKind(StrEnum):
    """What a key of a channel holds. A folder may be relative to `rollout.yaml`."""

    FOLDER = "folder"
    FLAG = "flag"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """A key below `notify` that only one channel reads.

    `name` is the name of the channel, or begins with it and `_`. `meaning` is one sentence for schema, reference and
    starter file.
    """

    name: str
    kind: KeyKind
    default: str | bool
    meaning: str

    @property
    def default_text(self) -> str:
        """The default as it is spelled in `rollout.yaml`."""
        return str(self.default).lower() if isinstance(self.default, bool) else self.default


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to carry a notice; `meaning` describes it in one sentence.

    `delivery` is what a message counts as once the channel has accepted it. `delivered_with` names the key with which
    the operator vouches that such messages are delivered; it is empty if the channel has none.
    """

    name: str
    meaning: str
    delivery: Delivery
    keys: tuple[ChannelKey, ...] = ()
    delivered_with: str = ""

    def delivery_of(self, values: Mapping[str, object]) -> Delivery:
        """Give what an accepted message counts as, with these values of the channel's keys."""
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
                meaning="Count a mail in the outbox as delivered. Set this only if something sends the mails, for"
                " enforcement then follows.",
            ),
        ),
        delivered_with="outbox_counts",
    ),
)
"""The first is the default."""


def channel_named(name: str) -> Channel:
    """Find the channel of this name. Raises KeyError if there is none."""
    return {channel.name: channel for channel in CHANNELS}[name]


def folder_keys() -> tuple[str, ...]:
    """Give the names of all channels' keys that hold folders."""
    return tuple(key.name for channel in CHANNELS for key in channel.keys if key.kind is KeyKind.FOLDER)
