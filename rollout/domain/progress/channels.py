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
    NUMBER = "number"
    CHOICE = "choice"
    SECRET = "secret"  # noqa: S105 - a kind of key
    """Where a secret is, never the secret itself: `env:NAME`, `file:PATH`, `secretsmanager:NAME` or `ssm:NAME`."""


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """A key below `notify` that only one channel reads.

    `name` is the name of the channel, or begins with it and `_`. `meaning` is one sentence for schema, reference and
    starter file. Without a `default`, the key is null; where it is `needed`, the channel cannot do without a value.
    """

    name: str
    kind: KeyKind
    default: str | bool | int | None
    meaning: str
    choices: tuple[str, ...] = ()
    needed: bool = False

    @property
    def default_text(self) -> str:
        """The default as it is spelled in `rollout.yaml`."""
        if self.default is None:
            return "null"
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


def counts_key(channel: str, default: Delivery, meaning: str) -> ChannelKey:
    """Make the key that says how far a message in a channel has to get before it counts."""
    choices = tuple(one.value for one in (Delivery.QUEUED, Delivery.SENT, Delivery.DELIVERED))
    return ChannelKey(f"{channel}_counts", KeyKind.CHOICE, default.value, meaning, choices)


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to carry a notice; `meaning` describes it in one sentence.

    `delivery` is how far a message has got once the channel has accepted it. `delivered_with` names the key with which
    the operator vouches that such messages are delivered; it is empty if the channel has none. Where there is a key
    `<name>_counts` made by `counts_key`, it says how far a message has to get before it counts.
    """

    name: str
    meaning: str
    delivery: Delivery
    keys: tuple[ChannelKey, ...] = ()
    delivered_with: str = ""

    def delivery_of(self, values: Mapping[str, object]) -> Delivery:
        """Give what an accepted message counts as, with these values of the channel's keys."""
        return Delivery.DELIVERED if values.get(self.delivered_with) is True else self.delivery

    def counts_of(self, values: Mapping[str, object]) -> Delivery:
        """Give how far a message has to get before it counts, with these values of the channel's keys."""
        value = values.get(f"{self.name}_counts")
        return Delivery(value) if isinstance(value, str) else Delivery.DELIVERED

    @property
    def what_counts(self) -> tuple[str, ...]:
        """The keys that only say what a message counts as; the channel itself does not read them."""
        return self.delivered_with, f"{self.name}_counts"


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
    Channel(
        "smtp",
        "Mails are handed to a mail server.",
        Delivery.SENT,
        (
            ChannelKey(
                "smtp_host",
                KeyKind.TEXT,
                None,
                "The name of the mail server, as in its certificate.",
                needed=True,
            ),
            ChannelKey(
                "smtp_port", KeyKind.NUMBER, 587, "Its port: usually 587 for starttls, and 465 for tls."
            ),
            ChannelKey(
                "smtp_security",
                KeyKind.CHOICE,
                "starttls",
                "Whether the connection is encrypted by STARTTLS, from its first byte (tls), or not at all (none).",
                ("starttls", "tls", "none"),
            ),
            ChannelKey(
                "smtp_user", KeyKind.TEXT, None, "The user name to sign in with; null signs in nobody."
            ),
            ChannelKey(
                "smtp_password",
                KeyKind.SECRET,
                None,
                "Where the password is: env:NAME, file:PATH (of mode 0600), secretsmanager:NAME or ssm:NAME.",
            ),
            counts_key(
                "smtp",
                Delivery.SENT,
                "How far a mail has to get to count: sent means that the mail server has accepted it. Mail servers do"
                " not say more by themselves; with delivered, only what rollout notices --import tells counts.",
            ),
        ),
    ),
    Channel(
        "ses",
        "Mails are sent by Amazon SES.",
        Delivery.SENT,
        (
            ChannelKey(
                "ses_region",
                KeyKind.TEXT,
                None,
                "The Region of the sender's identity; null: that of your session.",
            ),
            ChannelKey(
                "ses_role",
                KeyKind.TEXT,
                None,
                "The ARN of a role to send by, where the identity is another account's; null: your own credentials.",
            ),
            ChannelKey(
                "ses_configuration_set",
                KeyKind.TEXT,
                None,
                "The configuration set to send with; it publishes events.",
            ),
            ChannelKey(
                "ses_sandbox",
                KeyKind.CHOICE,
                "refused",
                "Whether to send while SES is in its sandbox, where it takes verified addresses only.",
                ("refused", "allowed"),
            ),
            ChannelKey(
                "ses_events",
                KeyKind.TEXT,
                None,
                "The URL of the SQS queue in which events of SES arrive (bounces, complaints, deliveries).",
            ),
            counts_key(
                "ses",
                Delivery.SENT,
                "How far a mail has to get to count: sent means that SES has accepted it; with delivered, the event"
                " that the person's mail server has accepted it.",
            ),
        ),
    ),
    Channel(
        "sns",
        "Messages are published to an Amazon SNS topic, for a system of yours that passes them on.",
        Delivery.QUEUED,
        (
            ChannelKey("sns_topic", KeyKind.TEXT, None, "The ARN of the topic.", needed=True),
            ChannelKey(
                "sns_role", KeyKind.TEXT, None, "The ARN of a role to publish by; null: your own credentials."
            ),
            counts_key(
                "sns",
                Delivery.DELIVERED,
                "How far a message has to get to count: queued is your statement that whatever reads the topic tells"
                " people; with delivered, only what rollout notices --import tells counts.",
            ),
        ),
    ),
    Channel(
        "webhook",
        "Messages are posted as signed JSON to a URL, for a system of yours that passes them on.",
        Delivery.SENT,
        (
            ChannelKey(
                "webhook_url",
                KeyKind.SECRET,
                None,
                "Where the URL is: it may be a secret itself.",
                needed=True,
            ),
            ChannelKey(
                "webhook_key", KeyKind.SECRET, None, "Where the key is that signs each message.", needed=True
            ),
            counts_key(
                "webhook",
                Delivery.DELIVERED,
                "How far a message has to get to count: sent is your statement that whoever accepts it tells people;"
                " with delivered, only what rollout notices --import tells counts.",
            ),
        ),
    ),
)
"""The first is the default."""


def channel_named(name: str) -> Channel:
    """Find the channel of this name. Raises KeyError if there is none."""
    return {channel.name: channel for channel in CHANNELS}[name]


def secret_keys() -> tuple[str, ...]:
    """Give the names of all channels' keys that say where a secret is."""
    return tuple(key.name for channel in CHANNELS for key in channel.keys if key.kind is KeyKind.SECRET)


def folder_keys() -> tuple[str, ...]:
    """Give the names of all channels' keys that hold folders."""
    return tuple(key.name for channel in CHANNELS for key in channel.keys if key.kind is KeyKind.FOLDER)
