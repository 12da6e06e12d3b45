"""Writes the ends of exemptions as a calendar (iCalendar, RFC 5545), for those who have to decide what follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta

from rollout.reporting.report_data import ReportData
from rollout.visible_text import visible

FILE = "exemptions.ics"
WARNED_BEFORE = "-P14D"
_OCTETS = 75


def exemption_calendar(report: ReportData) -> Iterator[str]:
    """Yield the calendar: an event on the last day of each exemption, with a reminder a fortnight before."""
    stamp = report.now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    yield from _lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//rollout//MFA exemptions//EN")
    for user in report.users:
        entry = user.entry
        if entry.exempt_until is None:
            continue
        last, name = entry.exempt_until, _text(entry.user.name)
        about = f"{entry.user.arn} in {user.account.name}: {user.why}"
        yield from _lines(
            "BEGIN:VEVENT",
            f"UID:{_text(entry.user.id)}-{last:%Y%m%d}@rollout",
            f"DTSTAMP:{stamp}",
            f"DTSTART;VALUE=DATE:{last:%Y%m%d}",
            f"DTEND;VALUE=DATE:{last + timedelta(days=1):%Y%m%d}",
            f"SUMMARY:MFA exemption of {name} ends",
            f"DESCRIPTION:{_text(about)}",
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:MFA exemption of {name} ends",
            f"TRIGGER:{WARNED_BEFORE}",
            "END:VALARM",
            "END:VEVENT",
        )
    yield from _lines("END:VCALENDAR")


def _text(text: str) -> str:
    """Spell a text that cannot end its line, nor begin a property of its own."""
    escaped = visible(text).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.encode("utf-8", "backslashreplace").decode()


def _lines(*lines: str) -> Iterator[str]:
    """Fold each line after 75 octets, never within a character."""
    for line in lines:
        folded, octets = [], 0
        for sign in line:
            octets += len(sign.encode())
            if octets > _OCTETS:
                folded.append("\r\n ")
                octets = 1 + len(sign.encode())
            folded.append(sign)
        yield "".join(folded) + "\r\n"
