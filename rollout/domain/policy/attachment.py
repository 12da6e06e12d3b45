"""Where the policy hangs for a user."""

from __future__ import annotations

from enum import StrEnum


class Attachment(StrEnum):
    """Through our group, or on the user itself where the group will not do (design.md#policy-documents)."""

    GROUP = "group"
    USER = "user"
