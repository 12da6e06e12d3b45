"""Spells a notice for another system: the person's message, and what it says in values (docs/channels.md)."""

from __future__ import annotations

import json

from rollout.domain.progress.messages import Notice, Summary
from rollout.notify.building import ChannelSetup


def as_json(notice: Notice, setup: ChannelSetup) -> bytes:
    """Spell a notice as one JSON object, in ASCII; `id` is the same each time it is sent."""
    letter = setup.press.letter(notice)
    return json.dumps(
        {
            "version": 1,
            "id": notice.id,
            "kind": _kind(notice),
            "from": setup.sender,
            "to": notice.address,
            "language": letter.language,
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "users": [
                {
                    "arn": line.user.arn,
                    "account_id": line.user.account_id,
                    "account_name": line.account_name,
                    "impact": line.impact.value,
                    "due": line.due.isoformat(),
                }
                for line in notice.lines
            ],
        }
    ).encode()


def _kind(notice: Notice) -> str:
    if isinstance(notice, Summary):
        return "summary"
    return "reminder" if notice.reminder else "notice"
