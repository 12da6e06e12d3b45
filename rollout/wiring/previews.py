"""Lays messages out as the settings want them."""

from __future__ import annotations

from rollout.domain.progress.messages import Notice
from rollout.notify.digest import Letterhead
from rollout.notify.letter import Letter, LetterPress
from rollout.settings import Settings


def press_of(settings: Settings) -> LetterPress:
    """Prepare the making of letters. Raises BadSettings for words or layouts that cannot be used."""
    notify = settings.notify
    head = Letterhead(
        notify.sender, notify.company or "", notify.ticket or "", notify.intranet or "", notify.ask or ""
    )
    return LetterPress(head, notify.language, notify.templates)


def message_of(notice: Notice, settings: Settings) -> Letter:
    """Return a message as it would be sent."""
    return press_of(settings).letter(notice)
