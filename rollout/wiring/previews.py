"""Previews messages."""

from __future__ import annotations

from rollout.domain.progress.messages import Notice
from rollout.notify.message_text import body, subject
from rollout.settings import Settings


def message_of(notice: Notice, settings: Settings) -> tuple[str, str]:
    """Return the subject and the body of a message, as it would be sent."""
    return subject(notice), body(notice, settings.notify.sender)
