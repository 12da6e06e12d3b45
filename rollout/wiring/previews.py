"""Lays messages out as the settings want them. Jinja is imported only where there is a message."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.domain.progress.messages import Notice
from rollout.files.private_files import FolderStore
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


def write_preview(notice: Notice, settings: Settings, now: datetime) -> tuple[Path, Path]:
    """Write a message as it would be sent, as a mail and as its HTML part, beside rollout.yaml. Raises Unwritable."""
    from rollout.domain.progress.messages import Delivery
    from rollout.notify.building import ChannelSetup
    from rollout.notify.mail import file_stem, mail_of

    press = press_of(settings)
    setup = ChannelSetup(press, Delivery.QUEUED, lambda: now)
    folder = FolderStore((settings.source.parent if settings.source else Path.cwd()) / "previews")
    stem = file_stem(notice)
    for name, content in (
        (f"{stem}.eml", mail_of(notice, setup)),
        (f"{stem}.html", press.letter(notice).html.encode()),
    ):
        with folder.writing(name) as stream:
            stream.write(content)
    return folder.root / f"{stem}.eml", folder.root / f"{stem}.html"


def message_of(notice: Notice, settings: Settings) -> Letter:
    """Return a message as it would be sent."""
    return press_of(settings).letter(notice)
