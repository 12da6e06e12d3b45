"""CloudTrail's event history: LookupEvents by access key, which moto does not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import AnswersFor, marker, marker_position

if TYPE_CHECKING:
    from moto.iam.models import User

    from rollout.sandbox.world.described_calls import MadeCall

_KEPT_FOR = timedelta(days=90)
_LARGEST_PAGE = 50


class TrailAnswers(AnswersFor):
    """The one operation of CloudTrail that the sandbox has."""

    def __init__(self) -> None:
        """Answer for CloudTrail."""
        super().__init__(service_name="cloudtrail")

    def lookup_events(self) -> str:
        """Return a key's calls in the Region of the request, newest first, at most 50 at a time."""
        asked = self.parameters()
        attributes = asked.get("LookupAttributes", [])
        if [one["AttributeKey"] for one in attributes] != ["AccessKeyId"]:
            raise AwsError("InvalidLookupAttributesException", "The sandbox looks up by AccessKeyId only.")
        most = asked.get("MaxResults", _LARGEST_PAGE)
        if not 1 <= most <= _LARGEST_PAGE:
            raise AwsError("InvalidMaxResultsException", "A limit of 1 to 50 results is allowed.")
        now = self.world.clock.now()
        start = max(_time(asked.get("StartTime"), now - _KEPT_FOR), now - _KEPT_FOR)
        key_id, begin = attributes[0]["AttributeValue"], marker_position(asked.get("NextToken"))
        calls = islice(self._calls(key_id, start, _time(asked.get("EndTime"), now)), begin, None)
        answer: dict[str, Any] = {"Events": [self._event(key_id, call) for call in islice(calls, most)]}
        if next(calls, None) is not None:
            answer["NextToken"] = marker(begin + most)
        return json.dumps(answer)

    def _calls(self, key_id: str, start: datetime, end: datetime) -> Iterator[MadeCall]:
        described = self.world.facts(self.caller.account).calls.get(key_id, ())
        here = (calls for calls in described if calls.region == self.region)
        made = [call for calls in here for call in calls.newest_first(start, end)]
        yield from sorted(made, key=lambda call: call.at, reverse=True)

    def _event(self, key_id: str, call: MadeCall) -> dict[str, Any]:
        service, name = call.operation.split(":")
        account, iam = self.caller.account, self.world.iam(self.caller.account)
        user: User = iam.users[str(iam.access_keys[key_id].user_name)]
        event_id = self.world.ids.request(key_id, call.at, call.operation)
        addresses = call.calls.addresses
        device = f"arn:aws:iam::{account}:mfa/{user.name}"
        record = {
            "eventVersion": "1.11",
            # No sessionContext: a request signed with a long-term key has none.
            "userIdentity": {
                "type": "IAMUser",
                "principalId": user.id,
                "arn": user.arn,
                "accountId": account,
                "accessKeyId": key_id,
                "userName": user.name,
            },
            "eventTime": f"{call.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": self.region,
            "sourceIPAddress": addresses[call.at.toordinal() % len(addresses)],
            "userAgent": call.calls.agent,
            "requestParameters": {"serialNumber": device} if call.calls.mfa else None,
            "responseElements": None,
            "requestID": self.world.ids.request("trail", event_id),
            "eventID": event_id,
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": account,
            "eventCategory": "Management",
        }
        return {
            "EventId": event_id,
            "EventName": name,
            "ReadOnly": "true",
            "AccessKeyId": key_id,
            "EventTime": call.at.timestamp(),
            "EventSource": record["eventSource"],
            "Username": user.name,
            "Resources": [],
            "CloudTrailEvent": json.dumps(record),
        }


def _time(asked: float | str | None, otherwise: datetime) -> datetime:
    return otherwise if asked is None else datetime.fromtimestamp(float(asked), UTC)
