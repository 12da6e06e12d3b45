"""Defines where the policy is attached for a user."""

from __future__ import annotations

from enum import StrEnum


class Attachment(StrEnum):
    """On our group, or on the user itself if the group cannot be used (design.md#policy-documents)."""

    GROUP = "group"
    USER = "user"
