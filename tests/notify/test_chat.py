"""Chats hear figures, in their own formats and at their own pace; team leads also hear names, by mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rollout.awsapi.retries import MAIL, Retries
from rollout.domain.progress.messages import Summary, TeamCounts
from rollout.errors import ChannelUnusable
from rollout.notify.digest import Letterhead
from rollout.notify.letter import LetterPress
from rollout.notify.posting.chat import ChatKind, post_to_chat
from rollout.notify.secret import Secret
from rollout.notify.team_letter import for_everybody
from rollout.notify.words import words_in
from tests.builders import NOW
from tests.notify.http_server import HttpAnswer, PostedTo, http_server

# What it imports; nobody who uses rollout sees that.
OF_APPRISE = pytest.mark.filterwarnings("ignore::DeprecationWarning")
HEAD = Letterhead("security@example.com")
COUNTS = TeamCounts(9, 2, 7, NOW, ("prod: ana", "prod: <b>bob</b>"))
SUMMARY = Summary("lead@example.com", (), id="s-1", team="Payments <&> Co", counts=COUNTS)
TEXT = for_everybody(SUMMARY, words_in("en", None), HEAD)


@pytest.fixture
def posted() -> Iterator[PostedTo]:
    with http_server() as posted:
        yield posted


def post(posted: PostedTo, kind: ChatKind, waits: list[float] | None = None) -> None:
    kept = [] if waits is None else waits
    retries = Retries(MAIL, sleep=kept.append, chance=lambda: 0.0)
    post_to_chat(kind, Secret(posted.url()), TEXT, retries)


def text_of(kind: ChatKind, body: Any) -> str:
    if kind is ChatKind.TEAMS:
        (attachment,) = body["attachments"]
        assert ("message", "application/vnd.microsoft.card.adaptive", "AdaptiveCard") == (
            body["type"],
            attachment["contentType"],
            attachment["content"]["type"],
        )
        return "\n".join(block["text"] for block in attachment["content"]["body"])
    assert {"text"} == body.keys()
    return str(body["text"])


@pytest.mark.parametrize("kind", [ChatKind.SLACK, ChatKind.TEAMS, ChatKind.GOOGLE_CHAT])
def test_each_chat_gets_the_figures_in_its_own_format(posted: PostedTo, kind: ChatKind):
    post(posted, kind)
    ((path, headers, _),) = posted.posts
    said = text_of(kind, posted.bodies[0])

    assert ("/services/T0/B0/s3cret", "application/json") == (path, headers["Content-Type"])
    assert "7 of 9 users of Payments" in said
    assert ("&lt;&amp;&gt;" in said) == (kind is ChatKind.SLACK)


def test_nobody_is_named_in_a_chat_and_nothing_personal_said():
    for what in ("ana", "bob", "lead@example.com", "aws ", "arn:"):
        assert what not in TEXT


def test_the_mail_to_who_is_responsible_has_the_names():
    letter = LetterPress(HEAD).letter(SUMMARY)

    assert "7 of 9 users" in letter.subject
    assert "prod: ana" in letter.text
    assert "&lt;b&gt;bob&lt;/b&gt;" in letter.html
    german = LetterPress(HEAD).letter(replace(SUMMARY, language="de"))
    assert "haben noch kein Gerät" in german.subject


def test_a_chat_that_asks_to_wait_is_waited_for(posted: PostedTo):
    posted.answers = [HttpAnswer(429, "rate_limited", {"Retry-After": "3"}), HttpAnswer()]
    waits: list[float] = []
    post(posted, ChatKind.SLACK, waits)

    assert [3.0] == waits
    assert 2 == len(posted.posts)


def test_a_chat_that_does_not_take_it_is_named_without_its_url(posted: PostedTo):
    posted.answers = [HttpAnswer(403, "invalid_token")]
    with pytest.raises(ChannelUnusable, match="403 Forbidden: invalid_token") as caught:
        post(posted, ChatKind.SLACK)

    assert "s3cret" not in str(caught.value) + caught.value.cure


@OF_APPRISE
def test_apprise_posts_to_what_it_knows(posted: PostedTo, caplog: pytest.LogCaptureFixture):
    caplog.set_level(0)
    url = Secret(posted.url("/hook/s3cret").replace("http:", "json:"))
    post_to_chat(ChatKind.APPRISE, url, TEXT, Retries(MAIL, sleep=lambda _: None))
    with pytest.raises(ChannelUnusable, match="does not know such a URL") as caught:
        post_to_chat(ChatKind.APPRISE, Secret("nothing-known://s3cret"), TEXT)

    assert TEXT.partition("\n")[0] == posted.bodies[0]["title"]
    assert TEXT.partition("\n")[2] == posted.bodies[0]["message"]
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in "".join(
        record.getMessage() for record in caplog.records if record.name == "rollout"
    )


@OF_APPRISE
def test_apprise_tries_again_where_the_service_is_busy(posted: PostedTo):
    posted.answers = [HttpAnswer(429), HttpAnswer(500), HttpAnswer()]
    url = Secret(posted.url("/hook").replace("http:", "json:"))
    waits: list[float] = []
    post_to_chat(ChatKind.APPRISE, url, TEXT, Retries(MAIL, sleep=waits.append))

    assert 3 == len(posted.posts)
    assert [1.0, 1.0] == waits
