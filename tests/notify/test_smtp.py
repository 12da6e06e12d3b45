"""SMTP against a real server with TLS and sign-in: everybody gets exactly one digest, and refusals are on record."""

from __future__ import annotations

import json
import logging
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rollout.awsapi.retries import GREYLISTED, MAIL, Patience, Retries
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Sending, Told
from rollout.domain.progress.stages import Stage
from rollout.errors import ChannelUnusable
from rollout.notify.building import ChannelSetup
from rollout.notify.secret import Secret
from rollout.notify.smtp import MailServer, Smtp, build
from rollout.store.formats.journal_lines import line_of
from tests.builders import NOW
from tests.notify.mail_server import HOST, PASSWORD, USER, MailHandler, mail_server, make_certificate
from tests.notify.test_digest import PRESS, SENDER
from tests.workflows.world import World, a_cli_user, an_enroller

SmtpTo = Callable[..., Smtp]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def handler() -> MailHandler:
    return MailHandler()


@pytest.fixture
def port(
    handler: MailHandler, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with mail_server(handler, certificate) as port:
        yield port


def an_smtp(port: int, *, password: str = PASSWORD, security: str = "starttls", counts=Delivery.SENT) -> Smtp:
    setup = ChannelSetup(PRESS, Delivery.SENT, lambda: NOW, counts)
    server = MailServer(HOST, port, security, USER, Secret(password))
    return Smtp(setup, server, Retries(MAIL, sleep=lambda _: None))


def told(world: World) -> dict[str, Told]:
    return {record.user.name: record for record in world.records(Told)}


def test_everybody_gets_exactly_one_digest_whatever_the_server_does(port: int, handler: MailHandler):
    """One is unknown, one greylisted, for one the connection breaks, for one the answer is lost, one is never taken."""
    names = ("ana", "bob", "carl", "dora", "ed", "fay", "gus")
    world = World(*map(a_cli_user, names)).planned()
    handler.refused = {"bob"}
    handler.greylisted.update(carl=2, gus=99)
    handler.dropped["dora"], handler.unanswered["ed"] = 2, 1
    waited: list[float] = []
    run = replace(world.run(), pause=waited.append)
    answer = world.apply(Stage.NOTIFY, run, an_smtp(port))

    got = {"ana", "carl", "dora", "ed", "fay"}
    assert {f"{name}@example.com": 1 for name in got} == {
        who: len(ids) for who, ids in handler.mailboxes.items()
    }
    assert Counter({"ed": 2}) == Counter(who.partition("@")[0] for who, _ in handler.taken) - Counter(
        got - {"ed"}
    )
    assert list(GREYLISTED) == waited
    assert {Delivery.SENT: got, Delivery.REFUSED: {"bob", "gus"}} == {
        state: {name for name, record in told(world).items() if record.delivery is state}
        for state in (Delivery.SENT, Delivery.REFUSED)
    }
    details = {name: record.detail for name, record in told(world).items()}
    assert ("550 5.1.1 no such mailbox", "451 4.7.1 greylisted, come back later") == (
        details["bob"],
        details["gus"],
    )
    assert "the answer got lost" in details["ed"]
    assert {"ana": {told(world)["ana"].message_id}} == {"ana": handler.mailboxes["ana@example.com"]}
    assert (5, 2) == (answer.tally["told"], answer.tally["not reached"])
    assert {} == world.done.in_doubt

    # The gate of readiness holds exactly those back who did not get theirs.
    world.days_pass(15)
    world.enforce()
    assert got == world.enforced

    # Told again are only they; the others get nothing more.
    handler.refused, handler.greylisted = set(), Counter()
    world.apply(Stage.NOTIFY, notifier=an_smtp(port))
    assert Counter({"ed": 2, **dict.fromkeys((set(names) - {"ed"}), 1)}) == Counter(
        who.partition("@")[0] for who, _ in handler.taken
    )


def test_the_mail_is_the_one_that_the_outbox_would_hold(port: int, handler: MailHandler):
    world = World(an_enroller("erin")).planned()
    world.apply(Stage.NOTIFY, notifier=an_smtp(port))
    ((address, mail),) = handler.taken

    assert ("erin@example.com", SENDER, "auto-generated") == (address, mail["From"], mail["Auto-Submitted"])
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in mail.iter_parts()]
    assert not mail.defects


def test_one_connection_carries_all_mails(port: int, handler: MailHandler):
    world = World(*(a_cli_user(f"user{number}") for number in range(5))).planned()
    world.apply(Stage.NOTIFY, notifier=an_smtp(port))

    assert 5 == len(handler.taken)
    assert 2 == handler.connections  # EHLO before and after STARTTLS


@pytest.mark.parametrize("counts", [Delivery.SENT, Delivery.DELIVERED])
def test_the_settings_say_whether_a_sent_mail_counts(port: int, counts: Delivery):
    world = World(a_cli_user("carl")).planned()
    answer = world.apply(Stage.NOTIFY, notifier=an_smtp(port, counts=counts))
    world.days_pass(15).enforce()

    assert ({"carl"} if counts is Delivery.SENT else set()) == world.enforced
    assert 1 == answer.tally["told" if counts is Delivery.SENT else "sent"]


# --- What is wrong for everybody ---


def test_a_wrong_password_is_the_channels_fault_and_nobodys(port: int, handler: MailHandler):
    world = World(a_cli_user("carl"), an_enroller("erin")).planned()
    with pytest.raises(ChannelUnusable, match="rejects the user name or the password") as caught:
        world.apply(Stage.NOTIFY, notifier=an_smtp(port, password="wrong-0ne"))

    assert "smtp_password" in caught.value.cure
    assert [] == world.records(Told)
    assert [] == world.attempted  # nobody got enrolment rights either
    assert 2 == handler.connections  # one attempt, since more would lock the user out


def test_a_sender_that_the_server_refuses_stops_the_run(port: int, handler: MailHandler):
    handler.senders = {"somebody@example.com"}
    world = World(*(a_cli_user(f"user{number}") for number in range(3))).planned()
    with pytest.raises(ChannelUnusable, match=r"takes no mail from security@example\.com") as caught:
        world.apply(Stage.NOTIFY, notifier=an_smtp(port))

    assert PASSWORD not in str(caught.value)  # the server repeats it
    assert 1 == len(world.records(Told))
    assert PASSWORD not in "".join(line_of(record).decode() for record in world.journal.kept)


def test_a_certificate_of_somebody_unknown_is_refused(
    handler: MailHandler, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with mail_server(handler, certificate) as port, pytest.raises(ChannelUnusable, match="not trusted"):
        an_smtp(port).open()

    assert [] == handler.taken


def test_a_server_that_does_not_encrypt_gets_no_password(
    handler: MailHandler, certificate: tuple[Path, Path]
):
    with (
        mail_server(handler, certificate, tls_context=None, require_starttls=False) as port,
        pytest.raises(ChannelUnusable, match="does not offer"),
    ):
        an_smtp(port).open()


def test_a_password_never_leaves_without_encryption():
    setup = ChannelSetup(PRESS, Delivery.SENT, lambda: NOW)
    with pytest.raises(ChannelUnusable, match="without encryption"):
        build(
            setup,
            smtp_host="mail.example.com",
            smtp_port=25,
            smtp_security="none",
            smtp_user=USER,
            smtp_password=Secret(PASSWORD),
        )


def test_a_server_that_is_away_is_tried_again_and_then_named():
    waits: list[float] = []
    retries = Retries(Patience(4, 60.0), sleep=waits.append, chance=lambda: 1.0)
    setup = ChannelSetup(PRESS, Delivery.SENT, lambda: NOW)
    with pytest.raises(ChannelUnusable, match=r"no connection to the mail server 127\.0\.0\.1:9"):
        Smtp(setup, MailServer(HOST, 9, "starttls", "", Secret("")), retries).open()

    assert [0.2, 0.4, 0.8] == waits


# --- A run that dies ---


def test_a_run_that_died_while_it_sent_is_followed_by_the_same_message_and_says_so(
    port: int, handler: MailHandler
):
    """Between the server's answer and its record, nobody knows; the Message-ID is the same, and the report tells."""
    world = World(a_cli_user("ana"), a_cli_user("bob")).planned()
    inner = an_smtp(port)

    class Dies(Smtp):
        def send(self, notice):
            receipt = super().send(notice)
            if notice.address.startswith("bob"):
                raise KeyboardInterrupt
            return receipt

    with pytest.raises(KeyboardInterrupt):
        world.apply(Stage.NOTIFY, notifier=Dies(inner._setup, inner._server, inner._retries))
    assert {"ana"} == told(world).keys()
    assert 1 == len(world.done.in_doubt)
    world.lock.holder = ""
    answer = world.apply(Stage.NOTIFY, notifier=an_smtp(port))

    assert {"ana@example.com": 1, "bob@example.com": 1} == {
        who: len(ids) for who, ids in handler.mailboxes.items()
    }
    assert 1 == answer.tally["perhaps sent twice"]
    assert "perhaps for the second time: run run-" in told(world)["bob"].detail
    assert {} == world.done.in_doubt
    announced = [record.notice_id for record in world.records(Sending)]
    assert 3 == len(announced)
    assert announced[1] == announced[2]


# --- The secret ---


def test_a_secret_shows_itself_nowhere(caplog: pytest.LogCaptureFixture):
    secret = Secret(PASSWORD)
    logging.getLogger("rollout").warning("%s %r", secret, secret)

    assert PASSWORD not in caplog.text + repr(MailServer(HOST, 1, "tls", USER, secret)) + str(secret)
    assert "a *** b" == secret.hide(f"a {PASSWORD} b")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps({"secret": secret})
