"""What a gate answers: three values for a run, and one more for those who only look (design.md#stages-and-gates)."""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    """A gate's answer; only `pass` lets a wave through.

    `not asked` is never on record: it is for `status`, where only a run that looks at AWS can tell.
    """

    PASS = "pass"  # noqa: S105 - a gate's answer, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_ASKED = "not asked"
