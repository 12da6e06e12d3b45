"""Asks once who the caller is, and keeps what time AWS gave with the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.endpoints import date_of
from rollout.awsapi.failures import CallFailed, ending_of
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection, partition_of
from rollout.domain.people.organization import Caller


@dataclass(frozen=True, slots=True)
class Introduction:
    """The caller, AWS's time in the answer's `Date` header, and when that answer came by our own counter."""

    caller: Caller
    said_at: datetime | None
    heard_at: float


class WhoAmI:
    """Answers from one `GetCallerIdentity`, whoever asks; safe to share between threads."""

    def __init__(
        self, connection: Connection, retries: Retries, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Ask nothing yet."""
        self._connection = connection
        self._calls = Calls("", CallerIdentity(), retries, retries.pace())
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._answer: Introduction | None = None

    def introduction(self) -> Introduction:
        """Ask the first time, remember after. Raises NoCredentials, ExpiredCredentials, AwsFailure."""
        with self._lock:
            if self._answer is None:
                self._answer = self._ask()
            return self._answer

    def _ask(self) -> Introduction:
        client = self._connection.sts()
        try:
            answer = self._calls.read(client.get_caller_identity)
        except CallFailed as failed:
            raise ending_of(failed) from failed
        heard_at = self._monotonic()
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        arn = answer["Arn"]
        caller = Caller(
            arn=arn,
            account_id=answer["Account"],
            partition=partition_of(arn),
            source_user_arn=arn if ":user/" in arn else self._source_user(),
        )
        return Introduction(caller, date_of(headers.get("date")), heard_at)

    def _source_user(self) -> str | None:
        """Find the IAM user behind the role of the profile; None when there is none, or it cannot be asked."""
        keys = source_keys(self._connection.session.profile_name, self._connection.profiles())
        if keys is None:
            return None
        try:
            arn = self._connection.sts_with(keys).get_caller_identity()["Arn"]
        except (BotoCoreError, ClientError):
            return None
        return arn if ":user/" in arn else None


def source_keys(name: str, profiles: Mapping[str, Mapping[str, str]]) -> Mapping[str, str] | None:
    """Follow `source_profile` to the profile that holds keys; None where it ends in none, or nowhere.

    A profile on the way is never asked, only the keys at the end: a profile might want a token code of its own.
    """
    seen = set()
    current = profiles.get(name, {})
    while name not in seen and "role_arn" in current and "source_profile" in current:
        seen.add(name)
        name = current["source_profile"]
        current = profiles.get(name, {})
    return current if seen and "aws_access_key_id" in current else None
