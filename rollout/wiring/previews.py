"""Lays messages out as the settings want them. Jinja is imported only where there is a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.domain.progress.messages import Notice
from rollout.settings import Settings

if TYPE_CHECKING:
    from rollout.notify.letter import Letter, LetterPress


def press_of(settings: Settings) -> LetterPress:
    """Prepare the making of letters. Raises BadSettings for words and layouts that cannot be used."""
    from rollout.notify.digest import Letterhead
    from rollout.notify.letter import LetterPress

    notify = settings.notify
    head = Letterhead(
        notify.sender, notify.company or "", notify.ticket or "", notify.intranet or "", notify.ask or ""
    )
    return LetterPress(head, notify.language, notify.templates).checked()


def message_of(notice: Notice, settings: Settings) -> Letter:
    """Return a message as it would be sent."""
    return press_of(settings).letter(notice)
