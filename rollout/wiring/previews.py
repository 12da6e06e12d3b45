"""Previews what a person would be told."""

from __future__ import annotations

from rollout.domain.progress.messages import Notice
from rollout.notify.message_text import body, subject
from rollout.settings import Settings


def message_of(notice: Notice, settings: Settings) -> tuple[str, str]:
    """Write a message as it would be sent: its subject and its text."""
    return subject(notice), body(notice, settings.notify.sender)
