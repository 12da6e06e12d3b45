"""Defines the three stages, in order."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """`dry-run` < `notify` < `enforce` (design.md#stages-and-gates)."""

    DRY_RUN = "dry-run"
    NOTIFY = "notify"
    ENFORCE = "enforce"
