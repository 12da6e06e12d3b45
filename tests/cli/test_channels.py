"""A channel as it is used from the command line: its secret, its answer, what it says later."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.notify.http_server import HttpAnswer, http_server
from tests.notify.mail_server import HOST, PASSWORD, USER, MailHandler, mail_server, make_certificate

ONE = ("--account", "222233334444")


@pytest.fixture
def handler() -> MailHandler:
    return MailHandler()


@pytest.fixture
def smtp(
    handler: MailHandler, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    certificate = make_certificate(tmp_path_factory.mktemp("certificate"))
    secret = tmp_path_factory.mktemp("secret") / "password"
    secret.write_text(f"{PASSWORD}\n")
    secret.chmod(0o600)
    with mail_server(handler, certificate) as port:
        yield {
            "SSL_CERT_FILE": str(certificate[0]),
            "ROLLOUT_NOTIFY__CHANNEL": "smtp",
            "ROLLOUT_NOTIFY__SMTP_HOST": HOST,
            "ROLLOUT_NOTIFY__SMTP_PORT": str(port),
            "ROLLOUT_NOTIFY__SMTP_USER": USER,
            "ROLLOUT_NOTIFY__SMTP_PASSWORD": f"file:{secret}",
        }


def everything_in(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def test_people_are_told_by_mail_and_the_password_stands_nowhere(
    rehearsed: Shell, handler: MailHandler, smtp: dict[str, str], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(0)
    said = rehearsed("apply", "--stage", "notify", "--yes", "--json", env=smtp)
    listed = rehearsed("notices", "--json", env=smtp)
    counts = Counter(one["delivery"] for one in listed.json)

    assert 0 == said.code, said.err
    assert said.json["counts"]["told"] == counts["sent"] > 0
    assert dict.fromkeys(handler.mailboxes, 1) == {who: len(ids) for who, ids in handler.mailboxes.items()}
    written = everything_in(rehearsed.folder)
    assert "smtp" in written or counts
    for text in (written, said.out, said.err, listed.out, listed.err, caplog.text):
        assert PASSWORD not in text


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_secret_file_that_others_can_read_is_refused(rehearsed: Shell, smtp: dict[str, str], mode: int):
    path = Path(smtp["ROLLOUT_NOTIFY__SMTP_PASSWORD"].removeprefix("file:"))
    path.chmod(mode)
    said = rehearsed("apply", "--stage", "notify", "--yes", env=smtp)

    assert 1 == said.code
    assert f"its mode is {mode:04o}" in said.err
    assert f"chmod 600 {path}" in said.err.replace("\n", " ").replace("  ", " ")


@pytest.mark.parametrize("value", [PASSWORD, f"plain:{PASSWORD}", "env:", "env:NOT_SET"])
def test_a_password_in_the_settings_is_refused_and_not_repeated(
    rehearsed: Shell, smtp: dict[str, str], value: str
):
    said = rehearsed(
        "apply", "--stage", "notify", "--yes", env={**smtp, "ROLLOUT_NOTIFY__SMTP_PASSWORD": value}
    )

    assert said.code in {1, 2}
    assert PASSWORD not in said.out + said.err
    assert "env:NAME, file:PATH" in said.err or "env:NOT_SET is empty" in said.err


def test_a_channel_that_lacks_a_key_is_wrong_settings(rehearsed: Shell):
    said = rehearsed("status", env={"ROLLOUT_NOTIFY__CHANNEL": "smtp"})

    assert 2 == said.code
    assert "notify.smtp_host: is needed for `channel: smtp`" in said.err


def test_a_test_message_reaches_oneself_and_is_not_on_record(
    planned: Shell, handler: MailHandler, smtp: dict[str, str]
):
    said = planned("notices", "--test", "me@example.com", env=smtp)

    assert 0 == said.code, said.err
    assert ["me@example.com"] == [who for who, _ in handler.taken]
    assert [] == planned("notices", "--json", env=smtp).json
    handler.refused = {"me"}
    refused = planned("notices", "--test", "me@example.com", env=smtp)
    assert (1, True) == (refused.code, "550 5.1.1 no such mailbox" in refused.err)


def test_what_an_export_says_voids_a_notice_and_can_be_listed(
    rehearsed: Shell, handler: MailHandler, smtp: dict[str, str]
):
    rehearsed("apply", "--stage", "notify", "--yes", env=smtp)
    first, *others = rehearsed("notices", "--json", env=smtp).json
    export = rehearsed.folder / "bounces.csv"
    export.write_text(
        "message_id,address,delivery,at,detail\n"
        f"{first['message_id']},{first['address']},bounced,2026-11-25T10:00:00Z,mailbox full\n"
        "<not-ours@example.com>,x@example.com,bounced,2026-11-25T10:00:00Z,\n"
    )
    said = rehearsed("notices", "--import", str(export), env=smtp)
    bounced = rehearsed("notices", "--state", "bounced", "--json", env=smtp).json
    same = sum(one["message_id"] == first["message_id"] for one in (first, *others))

    assert f"New: {same} bounced." in said.out
    assert "1 report is about messages that this store does not know" in said.err
    assert same == len(bounced)
    assert ("void", "the notice came back") == (bounced[0]["state"], bounced[0]["why"])
    assert same == len(rehearsed("notices", "--state", "void", "--json", env=smtp).json)
    wrong = rehearsed("notices", "--state", "lost", env=smtp)
    assert (2, True) == (wrong.code, "use one of queued, sent" in wrong.err)
    again = rehearsed("apply", "--stage", "notify", "--wave", first["wave"], "--yes", "--json", env=smtp).json
    assert same == again["counts"]["told"]


def test_a_preview_is_written_as_a_mail_and_as_a_page(planned: Shell):
    said = planned("notices", "--preview", "arn:aws:iam::222233334444:user/chen.wei")
    mail, page = (planned.folder / "previews").iterdir()
    if mail.suffix != ".eml":
        mail, page = page, mail

    assert re.search(r"previews/chen\.wei@example\.com-[0-9a-f]{16}\.eml", said.err.replace("\n", ""))
    assert mail.read_bytes().startswith(b"From: ")
    assert page.read_text().startswith("<!doctype html>")
    assert 0o600 == mail.stat().st_mode & 0o777
    assert json.loads(planned("notices", "--json").out) == []


def test_teams_and_their_leads_hear_where_their_users_stand(
    planned: Shell, handler: MailHandler, smtp: dict[str, str]
):
    with http_server() as chat:
        teams = [
            {"name": "Everybody", "chat": "env:CHAT_URL", "accounts": ["*"]},
            {"name": "Hub", "mail": "hub@example.com", "accounts": ["222233334444"]},
        ]
        env = {**smtp, "CHAT_URL": chat.url(), "ROLLOUT_NOTIFY__TEAMS": json.dumps(teams)}
        said = planned("notices", "--digest", "--yes", env=env)
        chat.answers = [HttpAnswer(404, "no_service")]
        broken = planned("notices", "--digest", "--yes", env=env)
    ((to, mail), _again) = handler.taken
    text = chat.bodies[0]["text"]

    assert 0 == said.code, said.err
    assert "hub@example.com" == to
    assert re.search(r"(\d+) of (\d+) users of Everybody have no device yet", text)
    assert re.search(r"(\d+) of (\d+) users of Hub have no device yet", mail["Subject"])
    assert (4, True) == (
        broken.code,
        "Everybody was not told: 127.0.0.1 does not take the message" in broken.err,
    )
    assert chat.url() not in said.out + said.err + broken.out + broken.err
