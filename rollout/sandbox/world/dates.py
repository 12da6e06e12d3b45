"""Parses relative dates such as `3d ago` in the description, so that the organization never gets old."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
_RELATIVE = re.compile(r"(?P<ahead>in )?(?P<count>\d+)(?P<unit>[wdhm])(?P<back> ago)?")


def moment(text: str, now: datetime) -> datetime:
    """Convert `3d ago`, `in 30d`, `now` or an ISO date into a time, in whole seconds. Raises ValueError."""
    if text == "now":
        return now.replace(microsecond=0)
    match = _RELATIVE.fullmatch(text)
    if match and bool(match["ahead"]) != bool(match["back"]):
        delta = timedelta(**{_UNITS[match["unit"]]: int(match["count"])})
        return (now + delta if match["ahead"] else now - delta).replace(microsecond=0)
    try:
        fixed = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is not a time: write `3d ago`, `in 30d`, `now` or 2026-01-31"
        raise ValueError(msg) from error
    return fixed if fixed.tzinfo else fixed.replace(tzinfo=UTC)


def _as_moment(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and info.context:
        return moment(value, info.context["now"])
    return value


Moment = Annotated[datetime, BeforeValidator(_as_moment)]
