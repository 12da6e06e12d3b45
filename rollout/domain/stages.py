"""The three stages, in order."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """`dry-run` < `notify` < `enforce` (DESIGN §6)."""

    DRY_RUN = "dry-run"
    NOTIFY = "notify"
    ENFORCE = "enforce"
