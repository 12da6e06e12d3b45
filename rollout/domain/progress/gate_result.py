"""Defines the answers of a gate: three for a run, and one more for `status` (design.md#stages-and-gates)."""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    """A gate's answer; only `pass` lets a wave through.

    `not asked` is never recorded: `status` shows it for gates that only a run can ask, because they read AWS.
    """

    PASS = "pass"  # noqa: S105 - a gate's answer, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_ASKED = "not asked"
