"""Posts where teams stand to chats: Slack, Microsoft Teams, Google Chat, and what apprise knows (docs/channels.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum

from rollout.awsapi.retries import MAIL, Retries
from rollout.errors import ChannelUnusable, MissingExtra
from rollout.installation import how_to_add
from rollout.notify.posting.http_post import JsonPost, NotTaken
from rollout.notify.secret import Secret


class ChatKind(StrEnum):
    """The kinds of chats; each but the last has a URL that takes JSON of its own."""

    SLACK = "slack"
    TEAMS = "teams"
    GOOGLE_CHAT = "google_chat"
    APPRISE = "apprise"


def _slack(text: str) -> object:
    for letter, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(letter, escape)
    return {"text": text}


def _teams(text: str) -> object:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": line, "wrap": True} for line in text.split("\n")],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _google_chat(text: str) -> object:
    return {"text": text}


_FORMATS: dict[ChatKind, Callable[[str], object]] = {
    ChatKind.SLACK: _slack,
    ChatKind.TEAMS: _teams,
    ChatKind.GOOGLE_CHAT: _google_chat,
}


def post_to_chat(kind: ChatKind, url: Secret, text: str, retries: Retries | None = None) -> None:
    """Post a text, as often as the chat asks to wait (`Retry-After`). Raises ChannelUnusable, MissingExtra."""
    if kind is ChatKind.APPRISE:
        _by_apprise(url, text, retries or Retries(MAIL))
        return
    posting = JsonPost(url, retries)
    try:
        posting.post(json.dumps(_FORMATS[kind](text)).encode(), {})
    except NotTaken as problem:
        raise ChannelUnusable(
            f"{posting.host} does not take the message: {problem}",
            cure="correct the secret that has its URL; a webhook that was removed has to be made anew",
        ) from None


class _NotNotified(Exception):
    """Apprise says only that it did not work."""


def _by_apprise(url: Secret, text: str, retries: Retries) -> None:
    try:
        import apprise  # noqa: PLC0415 - from an extra
    except ImportError as problem:
        raise MissingExtra(
            "this chat needs apprise, which is not installed", cure=how_to_add("channels")
        ) from problem
    chat = apprise.Apprise()
    if not chat.add(url.reveal()):
        raise ChannelUnusable("apprise does not know such a URL", cure="see the list of services of apprise")
    title, _, body = text.partition("\n")

    def once() -> None:
        if not chat.notify(body=body, title=title, body_format="text"):
            raise _NotNotified

    try:
        retries.repeat(once, lambda error: 1.0 if isinstance(error, _NotNotified) else None)
    except _NotNotified:
        raise ChannelUnusable(
            "the service that apprise posts to does not take the message",
            cure="correct the secret that has its URL",
        ) from None
