"""The webhook: signed, patient where asked, and its URL and key are nowhere to be read."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

import pytest

from rollout.awsapi.retries import MAIL, Retries
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Told
from rollout.domain.progress.stages import Stage
from rollout.errors import ChannelUnusable
from rollout.notify.building import ChannelSetup
from rollout.notify.posting.http_post import JsonPost
from rollout.notify.secret import Secret
from rollout.notify.webhook import SIGNATURE, TIMESTAMP, Webhook
from rollout.store.formats.journal_lines import line_of
from tests.builders import NOW
from tests.notify.http_server import HttpAnswer, PostedTo, http_server
from tests.notify.test_digest import PRESS
from tests.workflows.world import World, a_cli_user

KEY = "k3y-of-the-webhook"


@pytest.fixture
def posted() -> Iterator[PostedTo]:
    with http_server() as posted:
        yield posted


def a_webhook(posted: PostedTo, waits: list[float], counts: Delivery = Delivery.DELIVERED) -> Webhook:
    posting = JsonPost(Secret(posted.url()), Retries(MAIL, sleep=waits.append, chance=lambda: 0.0))
    return Webhook(ChannelSetup(PRESS, Delivery.SENT, lambda: NOW, counts), posting, Secret(KEY))


def test_each_person_is_one_signed_message(posted: PostedTo):
    posted.answers = [HttpAnswer(202, '{"message_id": "ticket-7"}')]
    world = World(a_cli_user("carl")).planned()
    answer = world.apply(Stage.NOTIFY, notifier=a_webhook(posted, []))
    ((path, headers, body),) = posted.posts
    (told,) = world.records(Told)

    signed = hmac.digest(KEY.encode(), headers[TIMESTAMP].encode() + b"." + body, "sha256").hex()
    assert ("/services/T0/B0/s3cret", f"sha256={signed}") == (path, headers[SIGNATURE])
    assert ("carl@example.com", "notice") == (posted.bodies[0]["to"], posted.bodies[0]["kind"])
    assert ["arn:aws:iam::012345678901:user/carl"] == [user["arn"] for user in posted.bodies[0]["users"]]
    assert ("ticket-7", Delivery.SENT, 1) == (told.message_id, told.delivery, answer.tally["sent"])
    world.days_pass(15).enforce()
    assert set() == world.enforced  # who took it does not say that it tells anybody


def test_the_operator_may_vouch_for_who_takes_the_messages(posted: PostedTo):
    world = World(a_cli_user("carl")).planned()
    world.apply(Stage.NOTIFY, notifier=a_webhook(posted, [], Delivery.SENT))
    world.days_pass(15).enforce()

    assert {"carl"} == world.enforced


def test_it_waits_as_long_as_the_other_side_asks_and_sends_the_same_id(posted: PostedTo):
    posted.answers = [HttpAnswer(429, "slow down", {"Retry-After": "7"}), HttpAnswer(503), HttpAnswer()]
    waits: list[float] = []
    world = World(a_cli_user("carl")).planned()
    world.apply(Stage.NOTIFY, notifier=a_webhook(posted, waits))

    assert [7.0, 0.0] == waits
    assert 1 == len({body["id"] for body in posted.bodies})
    assert [Delivery.SENT] == [told.delivery for told in world.records(Told)]


def test_what_it_says_is_recorded_without_url_and_key(posted: PostedTo):
    posted.answers = [HttpAnswer(400, f"bad body at {posted.url()} /services/T0/B0/s3cret with {KEY}")]
    world = World(a_cli_user("carl")).planned()
    world.apply(Stage.NOTIFY, notifier=a_webhook(posted, []))
    journal = "".join(line_of(record).decode() for record in world.journal.kept)

    assert "400 Bad Request: bad body at" in journal
    assert "s3cret" not in journal
    assert KEY not in journal


def test_a_url_that_is_gone_ends_the_run(posted: PostedTo):
    posted.answers = [HttpAnswer(404, "no_service")]
    world = World(*map(a_cli_user, ("ana", "bob"))).planned()
    with pytest.raises(ChannelUnusable, match="no_service") as caught:
        world.apply(Stage.NOTIFY, notifier=a_webhook(posted, []))

    assert "webhook_url" in caught.value.cure
    assert 1 == len(posted.posts)


def test_a_redirect_is_not_followed_and_plain_http_stays_on_this_machine(posted: PostedTo):
    posted.answers = [HttpAnswer(302, "", {"Location": "http://127.0.0.1:9/"})]
    world = World(*map(a_cli_user, ("ana", "bob"))).planned()
    with pytest.raises(ChannelUnusable, match="302"):
        world.apply(Stage.NOTIFY, notifier=a_webhook(posted, []))
    with pytest.raises(ChannelUnusable, match="not https"):
        JsonPost(Secret("http://hooks.example.com/s3cret"))
