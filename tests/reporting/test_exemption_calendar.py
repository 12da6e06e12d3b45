"""The calendar of exemptions, as a calendar program reads it."""

from __future__ import annotations

from datetime import date
from typing import Any

from icalendar import Calendar

from rollout.domain.plan.entries import PlanEntry
from rollout.reporting.exemption_calendar import exemption_calendar
from rollout.reporting.report_data import gather
from rollout.visible_text import visible
from tests.builders import NOTIFIED, NOW, a_header, a_progress, a_reason, an_account_plan, an_entry
from tests.reporting.hostile import HOSTILE


def calendar_of(*entries: PlanEntry, name: str = "payments") -> bytes:
    part = an_account_plan(*entries, name=name)
    report = gather(a_header(part), (part,), a_progress(), NOW, notified=NOTIFIED)
    return "".join(exemption_calendar(report)).encode()


def events_of(content: bytes) -> list[Any]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


def test_each_exemption_is_an_event_on_its_last_day_with_a_reminder():
    content = calendar_of(an_entry("backup", "exempt", exempt_until=date(2027, 1, 31)), an_entry("alice"))
    (event,) = events_of(content)
    assert (date(2027, 1, 31), date(2027, 2, 1)) == (event.start, event.end)
    assert "MFA exemption of backup ends" == event["SUMMARY"]
    (alarm,) = event.walk("VALARM")
    assert -14 == alarm["TRIGGER"].dt.days
    assert event["UID"] != events_of(calendar_of(an_entry("b", "exempt")))[0]["UID"]


def test_no_name_is_more_than_a_text_and_no_line_is_too_long():
    names = [text.encode("utf-8", "replace").decode() for text in HOSTILE]
    names += ["x\r\nEND:VCALENDAR", "é" * 100, "a;b,c\\n"]
    entries = [
        an_entry(f"{number}{name}", "exempt", because=[a_reason("exemption", name)])
        for number, name in enumerate(names)
    ]
    content = calendar_of(*entries, name="\r\nBEGIN:VEVENT")
    events = events_of(content)
    assert sorted(f"MFA exemption of {visible(entry.user.name)} ends" for entry in entries) == sorted(
        event["SUMMARY"] for event in events
    )
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))


def test_nobody_exempt_is_a_calendar_all_the_same():
    assert [] == events_of(calendar_of(an_entry("alice")))
