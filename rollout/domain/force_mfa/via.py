"""Where the policy hangs for a user."""

from __future__ import annotations

from enum import StrEnum


class Via(StrEnum):
    """Through our group, or on the user itself where the group will not do (DESIGN §5)."""

    GROUP = "group"
    USER = "user"
