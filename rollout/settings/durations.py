"""Reads and writes durations such as `14d`, `12h` and `30m`: one number and one unit, so that none is misread."""

from __future__ import annotations

import re
from datetime import timedelta

PATTERN = "^[0-9]{1,6}[dhm]$"
LONGEST = timedelta(days=3650)

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}


def parse_duration(text: str) -> timedelta:
    """Parse a duration. Raises ValueError that says what is wrong."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f'"{text[:40]}" is not a duration; write a number and a unit: 14d, 12h or 30m')
    duration = int(text[:-1]) * _UNITS[text[-1]]
    if duration > LONGEST:
        raise ValueError(f"{text} is longer than ten years")
    return duration


def duration_text(duration: timedelta) -> str:
    """Format a duration in the largest unit that represents it exactly: `14d`, `36h`, `90m`."""
    if not duration:
        return "0d"
    unit = next((unit for unit, length in _UNITS.items() if not duration % length), "m")
    return f"{duration // _UNITS[unit]}{unit}"
