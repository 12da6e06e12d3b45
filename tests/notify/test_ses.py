"""Amazon SES: asked what it may send, paced by it, and believed when it says later that a mail came back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from rollout.awsapi.retries import MAIL, Retries
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import Told
from rollout.domain.progress.stages import Stage
from rollout.errors import ChannelUnusable
from rollout.notify.aws_calls import ChannelCalls
from rollout.notify.building import ChannelSetup
from rollout.notify.ses import TAG, Ses
from rollout.notify.ses_events import EventQueue
from rollout.notify.sns import Sns
from rollout.workflows.telling.deliveries import Deliveries
from tests.builders import NOW, ORGANIZATION
from tests.notify.test_digest import PRESS, SENDER
from tests.workflows.world import World, a_cli_user

KEYS: dict[str, Any] = {
    "region_name": "eu-central-1",
    "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key": "secret",
}
REGULAR = {
    "ProductionAccessEnabled": True,
    "SendingEnabled": True,
    "SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 10.0},
}
SETUP = ChannelSetup(PRESS, Delivery.SENT, lambda: NOW, Delivery.SENT)


@pytest.fixture
def client() -> Any:
    return boto3.client("sesv2", **KEYS)


@pytest.fixture
def ses(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def a_channel(client: Any, *, sandbox: bool = False) -> Ses:
    slept: list[float] = []
    retries = Retries(MAIL, sleep=slept.append, chance=lambda: 1.0)
    return Ses(SETUP, ChannelCalls("sesv2", client, retries), "mfa", sandbox=sandbox)


def takes(ses: Stubber, address: str, message_id: str) -> None:
    ses.add_response(
        "send_email",
        {"MessageId": message_id},
        {
            "FromEmailAddress": SENDER,
            "Destination": {"ToAddresses": [address]},
            "Content": {"Raw": {"Data": ANY}},
            "EmailTags": [{"Name": TAG, "Value": ANY}],
            "ConfigurationSetName": "mfa",
        },
    )


def told(world: World) -> dict[str, Told]:
    return {record.user.name: record for record in world.records(Told)}


# --- Sending ---


def test_a_mail_is_sent_with_its_tag_and_recorded_by_the_id_that_ses_gives(client: Any, ses: Stubber):
    ses.add_response("get_account", REGULAR)
    takes(ses, "carl@example.com", "0102-carl")
    ses.add_client_error("send_email", "MessageRejected", "Email address is not verified")
    world = World(a_cli_user("carl"), a_cli_user("zoe")).planned()
    channel = a_channel(client)
    answer = world.apply(Stage.NOTIFY, notifier=channel)

    assert (Delivery.SENT, "0102-carl") == (told(world)["carl"].delivery, told(world)["carl"].message_id)
    assert "MessageRejected: Email address is not verified" == told(world)["zoe"].detail
    assert (1, 1) == (answer.tally["told"], answer.tally["not reached"])
    assert 14.0 == channel._calls.pace.rate
    world.days_pass(15).enforce()
    assert {"carl"} == world.enforced


def test_moto_takes_the_mail_that_the_person_would_get():
    with mock_aws():
        client = boto3.client("sesv2", **KEYS)
        client.create_email_identity(EmailIdentity=SENDER)
        channel = Ses(SETUP, ChannelCalls("sesv2", client), "", sandbox=False)
        channel._left = 1.0  # moto has no GetAccount
        world = World(a_cli_user("carl")).planned()
        world.apply(Stage.NOTIFY, notifier=channel)
        (sent,) = ses_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sent_messages
    mail = message_from_bytes(str(sent.raw_data).encode())
    assert ("carl@example.com", "auto-generated") == (mail["To"], mail["Auto-Submitted"])
    assert sent.id == told(world)["carl"].message_id


@pytest.mark.parametrize(
    ("account", "says", "cure"),
    [
        (
            {"ProductionAccessEnabled": False},
            "is in its sandbox in eu-central-1",
            "ask for production access",
        ),
        ({"SendingEnabled": False}, "is not allowed to send", "resume it"),
        (
            {"SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 200.0}},
            "all 200 mails",
            "tomorrow",
        ),
    ],
)
def test_an_account_that_may_not_send_ends_the_run_before_anybody_is_told(
    client: Any, ses: Stubber, account: dict[str, Any], says: str, cure: str
):
    ses.add_response("get_account", REGULAR | account)
    world = World(a_cli_user("carl")).planned()
    with pytest.raises(ChannelUnusable, match=says) as caught:
        world.apply(Stage.NOTIFY, notifier=a_channel(client))

    assert cure in caught.value.cure
    assert [] == world.records(Told)


def test_the_sandbox_may_be_meant(client: Any, ses: Stubber):
    ses.add_response("get_account", REGULAR | {"ProductionAccessEnabled": False})
    a_channel(client, sandbox=True).open()


def test_what_concerns_everybody_is_said_once(client: Any, ses: Stubber):
    """Of three people, one is refused; the others are told when it is mended."""
    ses.add_response("get_account", REGULAR)
    ses.add_client_error("send_email", "AccessDeniedException", "not authorized to perform ses:SendEmail")
    world = World(*map(a_cli_user, ("ana", "bob", "carl"))).planned()
    with pytest.raises(ChannelUnusable) as caught:
        world.apply(Stage.NOTIFY, notifier=a_channel(client))

    assert "allow this identity ses:SendEmail and ses:SendRawEmail" == caught.value.cure
    assert {"ana"} == told(world).keys()


def test_a_throttled_mail_is_sent_again_and_a_lost_answer_is_told(client: Any, ses: Stubber):
    ses.add_response("get_account", REGULAR)
    ses.add_client_error("send_email", "TooManyRequestsException", http_status_code=429)
    ses.add_client_error("send_email", "InternalFailure", http_status_code=500)
    takes(ses, "carl@example.com", "0102-carl")
    world = World(a_cli_user("carl")).planned()
    world.apply(Stage.NOTIFY, notifier=a_channel(client))

    assert f"the answer got lost, and it was sent again with the same tag {TAG}" == told(world)["carl"].detail


# --- What SES says later ---


def an_event(kind: str, message_id: str, address: str, **about: Any) -> dict[str, Any]:
    who = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}.get(kind)
    listed = (
        {who: [{"emailAddress": address, "diagnosticCode": "smtp; 550 5.1.1 user unknown"}]} if who else {}
    )
    return {
        "eventType": kind,
        "mail": {"messageId": message_id, "timestamp": "2026-11-24T09:00:00.000Z", "destination": [address]},
        kind.lower(): {"timestamp": "2026-11-24T10:00:00.000Z", "recipients": [address], **listed, **about},
    }


def in_sns(event: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "m-1", "Message": json.dumps(event)}


def sent_to(*names: str, counts: Delivery = Delivery.SENT) -> World:
    """People whose mails have left, by the ids `id-NAME`."""

    class Sent(Ses):
        def open(self) -> None:
            pass

        def send(self, notice):
            name = notice.address.partition("@")[0]
            return type(super().send(notice))(Delivery.SENT, f"id-{name}")

    world = World(*map(a_cli_user, names)).planned()
    client = boto3.client("sesv2", **KEYS)
    with Stubber(client) as ses:
        for name in sorted(names):
            ses.add_response("send_email", {"MessageId": f"id-{name}"})
        channel = Sent(SETUP, ChannelCalls("sesv2", client), "", sandbox=False)
        channel.counts = counts
        world.apply(Stage.NOTIFY, notifier=channel)
    return world


def fetched(world: World, *events: object) -> tuple[Deliveries, int]:
    """Read these events from a real queue of moto; return what was recorded, and how many messages are left."""
    deliveries = Deliveries(world.journal, "look-1", ORGANIZATION, world.done)
    with mock_aws():
        client = boto3.client("sqs", **KEYS)
        url = client.create_queue(QueueName="ses-events")["QueueUrl"]
        for event in events:
            body = event if isinstance(event, str) else json.dumps(event)
            client.send_message(QueueUrl=url, MessageBody=body)
        queue = EventQueue(ChannelCalls("sqs", client), url)
        left = queue.take(lambda reports: deliveries.record(reports, world.clock.now()))
    return deliveries, left


def test_who_bounced_later_is_told_again_and_only_they_wait():
    world = sent_to("ana", "bob", "carl")
    world.days_pass(5)
    deliveries, left = fetched(
        world,
        in_sns(
            an_event("Bounce", "id-bob", "bob@example.com", bounceType="Permanent", bounceSubType="General")
        ),
        an_event("Complaint", "id-carl", "carl@example.com", complaintFeedbackType="abuse"),
        an_event("Delivery", "id-ana", "ana@example.com", smtpResponse="250 ok"),
        an_event("Bounce", "of-somebody-else", "x@example.com"),
        an_event("DeliveryDelay", "id-ana", "ana@example.com"),
        "no event at all",
    )
    states = {name: world.done.notices[world.person(name).id] for name in ("ana", "bob", "carl")}
    assert {"ana": "delivered", "bob": "bounced", "carl": "complained"} == {
        name: one.delivery.value for name, one in states.items()
    }
    assert "Permanent General: smtp; 550 5.1.1 user unknown" == states["bob"].detail
    assert (1, 3) == (deliveries.unknown, left)  # what is not ours stays in the queue

    world.days_pass(10).enforce()
    assert {"ana"} == world.enforced
    world.notify()
    assert {"bob@example.com", "carl@example.com"} == world.told.keys()
    world.days_pass(15).enforce()
    assert {"ana", "bob", "carl"} == world.enforced


def test_with_delivered_a_mail_counts_from_its_event_on():
    world = sent_to("ana", "bob", counts=Delivery.DELIVERED)
    fetched(world, an_event("Delivery", "id-ana", "ana@example.com"))
    world.days_pass(15).enforce()

    assert {"ana"} == world.enforced


def test_the_same_event_twice_is_one_record_and_a_bounce_is_never_taken_back():
    world = sent_to("bob")
    bounce = an_event("Bounce", "id-bob", "bob@example.com")
    fetched(world, bounce, bounce)
    again, _ = fetched(world, bounce, an_event("Delivery", "id-bob", "bob@example.com"))

    assert not again.counts
    assert "bounced" == world.done.notices[world.person("bob").id].delivery


# --- SNS ---


def test_a_topic_gets_one_message_a_person_which_counts_for_nobody_by_itself():
    with mock_aws():
        sns, sqs = boto3.client("sns", **KEYS), boto3.client("sqs", **KEYS)
        topic = sns.create_topic(Name="mfa")["TopicArn"]
        url = sqs.create_queue(QueueName="mfa")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        setup = ChannelSetup(PRESS, Delivery.QUEUED, lambda: NOW)
        world = World(a_cli_user("ana"), a_cli_user("bob")).planned()
        answer = world.apply(Stage.NOTIFY, notifier=Sns(setup, ChannelCalls("sns", sns), topic))
        got = [
            json.loads(one["Body"])
            for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        ]
    assert {"ana@example.com", "bob@example.com"} == {one["to"] for one in got}
    assert all({"cli"} == {user["impact"] for user in one["users"]} for one in got)
    assert 2 == answer.tally["queued"]
    world.days_pass(15).enforce()
    assert set() == world.enforced
