"""The outbox: one mail a file, safe to name, safe to send on, never overwritten."""

import stat
from dataclasses import replace
from datetime import UTC, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.addresses import Addressee
from rollout.domain.progress.messages import Delivery, Line, Notice, notice_to
from rollout.domain.verdicts.verdict import Impact
from rollout.errors import ChannelUnusable
from rollout.notify.building import ChannelSetup
from rollout.notify.digest import Letterhead
from rollout.notify.letter import LetterPress
from rollout.notify.outbox import Outbox
from rollout.notify.rehearsed_channel import RehearsingNotifier
from tests.builders import NOW
from tests.notify.test_digest import PRESS, SENDER, a_line


def an_outbox(folder: Path, **more: Any) -> Outbox:
    known: dict[str, Any] = {"press": PRESS, "delivery": Delivery.QUEUED, "now": lambda: NOW}
    return Outbox(folder, ChannelSetup(**(known | more)))


def to(address: str = "alice@example.com", line: Line | None = None) -> Notice:
    return notice_to([Addressee(address)], (line or a_line(),), UTC, "o-a1b2c3d4e5")


def mails(folder: Path) -> list[EmailMessage]:
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.iterdir())]
    assert not [mail.defects for mail in found if mail.defects]
    return found


def test_a_message_is_a_mail_that_any_program_reads(tmp_path):
    receipt = an_outbox(tmp_path).send(to())
    (mail,) = mails(tmp_path)

    assert mail["From"] == SENDER
    assert mail["To"] == "alice@example.com"
    assert mail["Subject"] == "Action required: MFA for your AWS user from 8 December 2026, 12:00 UTC"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == receipt.message_id
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in mail.iter_parts()]
    assert all("8 December 2026, 12:00 UTC" in part.get_content() for part in mail.iter_parts())


def test_lines_end_as_the_mail_standard_says(tmp_path):
    an_outbox(tmp_path).send(to())
    content = next(tmp_path.iterdir()).read_bytes()

    assert content.count(b"\n") == content.count(b"\r\n")


def test_a_queued_message_is_not_a_delivered_one(tmp_path):
    assert an_outbox(tmp_path).send(to()).delivery is Delivery.QUEUED
    assert an_outbox(tmp_path, delivery=Delivery.DELIVERED).send(to()).delivery is Delivery.DELIVERED


def test_only_the_owner_may_read(tmp_path):
    outbox = an_outbox(tmp_path / "outbox")
    outbox.open()
    outbox.send(to())

    assert stat.S_IMODE((tmp_path / "outbox").stat().st_mode) == 0o700
    assert stat.S_IMODE(next((tmp_path / "outbox").iterdir()).stat().st_mode) == 0o600


def test_a_message_that_is_handed_over_again_is_there_already(tmp_path):
    first = an_outbox(tmp_path).send(to())
    second = an_outbox(tmp_path, now=lambda: NOW + timedelta(days=1)).send(to())

    assert first == second
    assert 1 == len(mails(tmp_path))


def test_who_is_told_and_what_name_the_message():
    """The run and the time do not: after a crash, another run sends the same message."""
    line, zone = a_line(), UTC
    same = (Addressee("Alice@Example.com"), (line,), "o-1")
    told = [
        same,
        (Addressee("alice@example.com"), (line,), "o-1"),
        (Addressee("bob@example.com"), (line,), "o-1"),
        (Addressee("alice@example.com"), (line,), "o-2"),
        (Addressee("alice@example.com"), (replace(line, due=line.due + timedelta(days=1)),), "o-1"),
        (Addressee("alice@example.com"), (replace(line, impact=Impact.NONE),), "o-1"),
    ]
    ids = [notice_to([addressee], lines, zone, organization).id for addressee, lines, organization in told]
    reminder = notice_to([same[0]], same[1], zone, "o-1", timedelta(days=7)).id

    assert ids[0] == ids[1]
    assert 6 == len({*ids, reminder})


def test_many_messages_at_once_are_answered_in_their_order(tmp_path):
    notices = [to(f"user{number}@example.com") for number in range(40)] + [to("nobody")]
    receipts = an_outbox(tmp_path).send_all(notices)

    assert [Delivery.QUEUED] * 40 + [Delivery.REFUSED] == [one.delivery for one in receipts]
    assert 40 == len(mails(tmp_path))


def test_addresses_that_look_alike_in_a_file_name_stay_apart(tmp_path):
    outbox = an_outbox(tmp_path)
    for address in (
        "a/b@example.com",
        "a_b@example.com",
        "a%b@example.com",
        f"{'x' * 60}@{'y' * 40}1.example.com",
        f"{'x' * 60}@{'y' * 40}2.example.com",
    ):
        outbox.send(to(address))

    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alice",
        "@example.com",
        "alice@",
        "a@b@c",
        "alice@example.com, bob@example.com",
        "alice@example.com;bob@example.com",
        "alice@example.com\nBcc: mallory@example.com",
        "alice@example.com\r\n\r\nhello",
        "Alice <alice@example.com>",
        "alice @example.com",
        "jörg@example.com",
        "alice..smith@example.com",
        "alice@exam\u202eple.com",
        "x" * 250 + "@example.com",
    ],
)
def test_what_is_no_single_address_gets_a_receipt_and_no_mail(tmp_path, address):
    receipt = an_outbox(tmp_path).send(to(address))

    assert receipt.delivery is Delivery.REFUSED
    assert "not an e-mail address" in receipt.detail
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sender", ["security@example.com\nBcc: mallory@example.com", "a\rb@example.com"])
def test_a_sender_that_cannot_be_one_is_a_receipt(tmp_path, sender):
    receipt = an_outbox(tmp_path, press=LetterPress(Letterhead(sender))).send(to())

    assert receipt.delivery is Delivery.REFUSED
    assert "no message can be sent from" in receipt.detail
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_found_before_anybody_is_told(tmp_path):
    (tmp_path / "outbox").write_text("in the way")

    with pytest.raises(ChannelUnusable, match=str(tmp_path / "outbox")):
        an_outbox(tmp_path / "outbox").open()


def test_trouble_while_writing_is_a_receipt(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", full)
    receipt = an_outbox(tmp_path).send(to())

    assert receipt.delivery is Delivery.REFUSED
    assert "No space left" in receipt.detail
    assert list(tmp_path.iterdir()) == []


@given(st.text(), st.text(), st.text())
def test_no_name_reaches_a_header_or_leaves_the_folder(tmp_path_factory, name, account, address):
    folder = tmp_path_factory.mktemp("outbox")
    outbox = an_outbox(folder)
    outbox.send(to(line=a_line(name, account_name=account)))
    outbox.send(to(f"{address}@example.com", a_line(name)))

    for mail in mails(folder):
        assert sorted(mail.keys()) == [
            *("Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "MIME-Version"),
            *("Message-ID", "Subject", "To"),
        ]
        assert len(mail["To"].addresses) == 1


def test_a_rehearsal_sends_nothing():
    receipt = RehearsingNotifier().send(to())

    assert (Delivery.QUEUED, "rehearsed") == (receipt.delivery, receipt.detail)
