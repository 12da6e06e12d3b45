"""Makes the clients that channels of notices call AWS with: by the caller's credentials, or by a narrowed role."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.credentials import RefreshableCredentials

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.operations import OPERATIONS, Use, operation_named
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.errors import ChannelUnusable

_SERVICES = frozenset({"sesv2", "sns", "sqs"})


class NoticeClients:
    """Gives a client of a service in a Region, for a role or (empty) with the caller's own credentials.

    The session of a role is narrowed to what channels call, and to mails from the one sender.
    """

    def __init__(self, connection: Connection, retries: Retries, session_name: str, sender: str) -> None:
        """Call nothing yet."""
        self._connection, self._retries = connection, retries
        self._session_name, self._sender = session_name, sender

    def __call__(self, service: str, region: str, role: str) -> Any:
        """Make a client. Raises ChannelUnusable, NoCredentials."""
        if not role:
            return self._connection.for_notices(service, region)
        keys = RefreshableCredentials.create_from_metadata(
            self._assume(role), lambda: self._assume(role), "rollout-notices"
        )
        return self._connection.for_notices(service, region, keys)

    def _assume(self, role: str) -> dict[str, str]:
        sts = self._connection.sts()
        request: CallRequest[Mapping[str, Any]] = CallRequest(
            lambda: sts.assume_role(
                RoleArn=role,
                RoleSessionName=self._session_name,
                Policy=notice_session_policy(self._sender),
            ),
            operation_named("sts", "AssumeRole"),
            "",
            self._retries.pace(),
            CallCounts(),
            own_credentials=True,
        )
        try:
            keys = self._retries.call(request).value["Credentials"]
        except CallFailed as failed:
            raise ChannelUnusable(
                f"the role {role} of the channel cannot be assumed: {failed.code}: {one_line(failed.message)}",
                cure=failed.cure or "let this identity assume it, in its trust policy too",
            ) from failed
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"].isoformat(),
        }


def notice_session_policy(sender: str) -> str:
    """Spell what a session of a channel's role may do, whatever the role may: what channels call, from one sender."""
    ours = [one for one in OPERATIONS if one.service in _SERVICES and one.use in {Use.NOTICES, Use.SEND}]
    mails = sorted(action for one in ours if one.name == "SendEmail" for action in one.actions)
    others = sorted(action for one in ours if one.name != "SendEmail" for action in one.actions)
    statements = [
        {"Effect": "Allow", "Action": others, "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": mails,
            "Resource": "*",
            "Condition": {"StringEquals": {"ses:FromAddress": sender}},
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
