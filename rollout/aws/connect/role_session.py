"""Assumes roles, checks that each session is in the expected account, and renews it before it expires."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.credentials import ReadOnlyCredentials

from rollout.awsapi.attempts import CallCounts
from rollout.awsapi.calls import CallerIdentity, Calls, Identity
from rollout.awsapi.denials import denial_of
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.pace import A_SECOND
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.diagnosis.facts import DeniedBy
from rollout.domain.people.organization import account_of
from rollout.workflows.ports import CannotEnter

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

SESSION_SECONDS = 3600
"""Seconds; role chaining limits a session to one hour, whatever the role's own maximum.

See aws-facts.md#roles-and-least-privilege.
"""
RENEW_BEFORE_END = 300


@dataclass(frozen=True, slots=True)
class RoleToAssume:
    """A role to assume: its ARN, its name for messages, and the account that the session must be in.

    `policy` is the session policy that limits its sessions, as JSON text.
    """

    arn: str
    name: str
    account_id: str
    external_id: str | None = field(repr=False)
    policy: str


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: ReadOnlyCredentials
    assumed_at: float


class RoleSessions:
    """Assumes roles with one session name; safe to share between threads."""

    def __init__(
        self,
        connection: Connection,
        retries: Retries,
        *,
        session_name: str,
        source_identity: str | None = None,
        tags: Mapping[str, str] | None = None,
        hop_session: RoleSession | None = None,
    ) -> None:
        """Keep the arguments; make no call yet.

        The roles are assumed from `hop_session`, or with the caller's own credentials when that is None.
        """
        self._connection = connection
        self._retries = retries
        self._session_name = session_name
        self._source_identity = source_identity
        self._tags = tags or {}
        self._hop = hop_session
        self._assuming: Identity = hop_session or CallerIdentity()
        # One bucket: STS counts every AssumeRole against the calling account (aws-facts.md#quotas-and-rates).
        self._pace = retries.pace(A_SECOND * retries.share)

    def after(self, hop: RoleToAssume) -> RoleSessions:
        """Return the same sessions, but assumed from the role `hop`, which is assumed first.

        The source identity is set on the hop: it applies to all later sessions and cannot be set again.
        """
        first = RoleSessions(
            self._connection,
            self._retries,
            session_name=self._session_name,
            source_identity=self._source_identity,
        )
        return RoleSessions(
            self._connection,
            self._retries,
            session_name=self._session_name,
            tags=self._tags,
            hop_session=RoleSession(first, hop, CallCounts()),
        )

    def open(self, role: RoleToAssume, tally: CallCounts) -> RoleSession:
        """Assume a role. Raises CallFailed, and CannotEnter when the session is in another account."""
        session = RoleSession(self, role, tally)
        session.keys()
        return session

    def assume(self, role: RoleToAssume, tally: CallCounts) -> ReadOnlyCredentials:
        """Request temporary keys. Raises CallFailed, CannotEnter."""
        self._assume_hop()
        calls = Calls(role.account_id, self._assuming, self._retries, self._pace, tally)
        request: AssumeRoleRequestTypeDef = {
            "RoleArn": role.arn,
            "RoleSessionName": self._session_name,
            "Policy": role.policy,
            "DurationSeconds": SESSION_SECONDS,
        }
        if role.external_id:
            request["ExternalId"] = role.external_id
        if self._source_identity:
            request["SourceIdentity"] = self._source_identity
        if self._tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(self._tags.items())]
        with _unsaid(role.external_id):
            answer = calls.read(self._client.assume_role, **request)
        session_arn = answer["AssumedRoleUser"]["Arn"]
        if account_of(session_arn) != role.account_id:
            raise CannotEnter(
                f"the session of role {role.name} is in account {account_of(session_arn)}, not in {role.account_id}",
                "check AWS_ENDPOINT_URL: AWS itself never does this",
            )
        keys = answer["Credentials"]
        return ReadOnlyCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def _assume_hop(self) -> None:
        """Assume the hop role first, so that its refusal is not mistaken for a refusal by the account's role."""
        if self._hop is None:
            return
        try:
            self._hop.keys()
        except CallFailed as failed:
            arn, denial = self._hop.role.arn, denial_of(failed)
            raise CannotEnter(
                f"access.hop_role {arn} cannot be assumed: {failed.sentence}",
                f"check the trust policy of {arn}, its external ID, and that the caller may call sts:AssumeRole",
                (denial,) if denial.by is not DeniedBy.UNKNOWN else (),
            ) from failed

    @cached_property
    def _client(self) -> STSClient:
        return self._connection.sts() if self._assuming.own else self._connection.role_sts()

    @property
    def connection(self) -> Connection:
        """The connection whose clients sign with these sessions."""
        return self._connection

    @property
    def retries(self) -> Retries:
        """The retries, whose monotonic clock gives a session's age."""
        return self._retries


@contextmanager
def _unsaid(external_id: str | None) -> Iterator[None]:
    """Keep an external ID out of the error when an answer repeats the request."""
    try:
        yield
    except CallFailed as failed:
        if not external_id or external_id not in failed.message:
            raise
        message = failed.message.replace(external_id, "…")
        raise CallFailed(
            failed.operation,
            failed.account_id,
            failed.fault,
            failed.code,
            message,
            failed.attempts,
            failed.request_id,
        ) from None


class RoleSession:
    """One role session; an `Identity` that signs with it in any thread."""

    own = False

    def __init__(self, sessions: RoleSessions, role: RoleToAssume, tally: CallCounts) -> None:
        """Keep the arguments; assume nothing yet."""
        self.role = role
        self._sessions = sessions
        self._tally = tally
        self._lock = threading.Lock()
        self._held: _Keys | None = None

    def keys(self) -> ReadOnlyCredentials:
        """Return keys valid for five more minutes or longer. Raises CallFailed, CannotEnter, ExpiredCredentials."""
        with self._lock:
            # Measure the age with our own clock: the one behind `Expiration` may disagree with it.
            now = self._sessions.retries.monotonic()
            if self._held is None or now - self._held.assumed_at > SESSION_SECONDS - RENEW_BEFORE_END:
                self._held = _Keys(self._sessions.assume(self.role, self._tally), now)
            return self._held.keys

    @contextmanager
    def signing(self) -> Iterator[None]:
        """Sign with this session while the block runs."""
        with self._sessions.connection.chosen.use(self.keys()):
            yield

    def renew(self) -> None:
        """Forget the keys of an expired session, so that the next call assumes the role again."""
        with self._lock:
            self._held = None
