"""A date is told with time and zone, and nobody is enforced before it has begun wherever the reader may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from tests.cli.conftest import Kept
from tests.cli.shell import Shell
from tests.cli.test_told import NAME, NO_EXEMPTIONS, WHO, apply, waits_for, well, worth

MINUTE = timedelta(minutes=1)
BERLIN = {**NO_EXEMPTIONS, "ROLLOUT_NOTIFY__ZONE": "Europe/Berlin"}
TOKYO = {**NO_EXEMPTIONS, "ROLLOUT_NOTIFY__ZONE": "Asia/Tokyo"}


def at(sandbox: Sandbox, moment: datetime) -> None:
    sandbox.advance(moment - sandbox.now())


def mails(shell: Shell) -> list[tuple[str, str]]:
    """Subjects and texts of what was sent to the user, oldest first, without line breaks."""
    found = []
    for path in sorted(shell.folder.glob(f"outbox/*{NAME}*.eml"), key=lambda path: path.stat().st_mtime_ns):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        assert body
        found.append((mail["Subject"], " ".join(body.get_content().split())))
    return found


def test_a_mail_tells_date_time_and_zone(told: Shell):
    ((subject, text),) = mails(told)
    assert "Action required: MFA for your AWS user from 8 December 2026, 12:00 UTC" == subject
    assert "From Tuesday, 8 December 2026, 12:00 UTC: " in text
    assert "before the time given, wherever you are" in text
    assert "that day" not in text


def test_so_do_reminders_and_previews(told: Shell, sandbox: Sandbox):
    at(sandbox, datetime(2026, 12, 1, 11, 59, tzinfo=UTC))
    assert "reminded" not in apply(told, "notify")
    at(sandbox, datetime(2026, 12, 1, 12, 1, tzinfo=UTC))
    assert 1 == apply(told, "notify")["reminded"]
    subject, text = mails(told)[-1]
    assert "Reminder: Action required: MFA for your AWS user from 8 December 2026, 12:00 UTC" == subject
    assert "From Tuesday, 8 December 2026, 12:00 UTC: " in text
    preview = well(told("notices", "--preview", WHO, env=NO_EXEMPTIONS)).out
    assert "8 December 2026, 12:00 UTC" in preview


def test_nobody_is_enforced_before_the_day_has_begun_everywhere(told: Shell, sandbox: Sandbox):
    """When it begins in Greenwich, it is the day before for half of the world; the lead time is over at 9:00."""
    for moment in (datetime(2026, 12, 8, 0, 30, tzinfo=UTC), datetime(2026, 12, 8, 11, 59, tzinfo=UTC)):
        at(sandbox, moment)
        assert {"waiting": 1} == apply(told, "enforce")
        assert ("counts", "ready from 2026-12-08 12:00 UTC") == worth(told)
        assert "the date told: 2026-12-08 12:00 UTC" == waits_for(told)
        (wave,) = told("status", "--json", env=NO_EXEMPTIONS).json
        assert wave["waits_for"].endswith("told for 2026-12-08 12:00 UTC")
    at(sandbox, datetime(2026, 12, 8, 12, 1, tzinfo=UTC))
    assert ("counts", "ready") == worth(told)
    assert 1 == apply(told, "enforce")["enforced"]


def test_reports_tell_the_time_too(told: Shell):
    well(told("report"))
    (folder,) = (told.folder / "reports").iterdir()
    assert "2026-12-08T12:00:00Z" in (folder / "users.csv").read_text()
    assert "2026-12-08T12:00:00Z" in (folder / "changes.csv").read_text()
    assert "2026-12-08 12:00 UTC" in (folder / "index.html").read_text()
    assert "2026-12-08 12:00:00+00:00" == told("notices", "--user", WHO, "--json").json[0]["due"]
    assert "12:00 UTC" in told("notices", "--user", WHO).out


def test_where_everybody_is_in_one_zone_the_day_begins_there(
    planned_account: Kept, sandbox: Sandbox, tmp_path: Path
):
    shell = planned_account.again(tmp_path, sandbox)
    assert 1 == apply(shell, "notify", BERLIN)["told"]
    ((subject, text),) = mails(shell)
    said = "8 December 2026, 00:00 Europe/Berlin time (UTC+01:00)"
    assert f"Action required: MFA for your AWS user from {said}" == subject
    assert f"From Tuesday, {said}: " in text
    at(sandbox, datetime(2026, 12, 8, 8, 59, tzinfo=UTC))
    assert {"waiting": 1} == apply(shell, "enforce", BERLIN)
    at(sandbox, datetime(2026, 12, 8, 9, 1, tzinfo=UTC))
    assert 1 == apply(shell, "enforce", BERLIN)["enforced"]


def test_another_zone_later_moves_no_date_that_was_told(told: Shell, sandbox: Sandbox):
    at(sandbox, datetime(2026, 12, 8, 11, 59, tzinfo=UTC))
    assert {"waiting": 1} == apply(told, "enforce", TOKYO)
    subject = well(told("notices", "--preview", WHO, env=TOKYO)).out.splitlines()[2]
    assert subject.endswith("from 8 December 2026, 21:00 Asia/Tokyo time (UTC+09:00)")


@pytest.mark.parametrize("zone", ["Europe/Berln", "CET+1", "../etc/passwd", "Berlin"])
def test_a_zone_that_is_none_is_2(zone: str, told: Shell):
    said = told("status", env={"ROLLOUT_NOTIFY__ZONE": zone})
    assert 2 == said.code
    assert "is not a time zone; write it as Europe/Berlin or UTC" in said.err
