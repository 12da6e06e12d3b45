"""Keeps one role session alive: assumed when needed, checked where it landed, taken anew before it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.credentials import ReadOnlyCredentials

from rollout.aws.connect.session_policy import hop_policy
from rollout.awsapi.attempts import Tally
from rollout.awsapi.calls import CallerIdentity, Calls, Identity
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.workflows.ports import CannotEnter

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleRequestTypeDef

LIVES_FOR = 3600
"""Seconds; a role taken from a role cannot live longer, whatever its own limit says.

See aws-facts.md#roles-and-least-privilege.
"""
TAKEN_ANEW_BEFORE_END = 300


@dataclass(frozen=True, slots=True)
class Role:
    """A role to take: its ARN, the name people know it by, the account it must land in."""

    arn: str
    name: str
    account_id: str
    external_id: str | None


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: ReadOnlyCredentials
    taken_at: float


class RoleSessions:
    """Takes roles with one session policy and name; safe to share between threads."""

    def __init__(
        self,
        connection: Connection,
        retries: Retries,
        *,
        policy: str,
        session_name: str,
        source_identity: str | None = None,
        tags: Mapping[str, str] | None = None,
        hop_session: RoleSession | None = None,
    ) -> None:
        """Ask nothing yet. `via` is the session from which the roles are taken; None: the caller's own credentials."""
        self._connection = connection
        self._retries = retries
        self._policy = policy
        self._session_name = session_name
        self._source_identity = source_identity
        self._tags = tags or {}
        self._hop = hop_session
        self._assuming: Identity = hop_session or CallerIdentity()
        # One bucket: STS charges every AssumeRole to the account that calls (aws-facts.md#quotas-and-rates).
        self._pace = retries.pace()

    def after(self, hop: Role) -> RoleSessions:
        """The same sessions, but taken from another role that is taken first.

        A source identity is set on the way in and cannot be set again; it holds for all that follows.
        """
        first = RoleSessions(
            self._connection,
            self._retries,
            policy=hop_policy(identified=bool(self._source_identity), tagged=bool(self._tags)),
            session_name=self._session_name,
            source_identity=self._source_identity,
        )
        return RoleSessions(
            self._connection,
            self._retries,
            policy=self._policy,
            session_name=self._session_name,
            tags=self._tags,
            hop_session=RoleSession(first, hop, Tally()),
        )

    def open(self, role: Role, tally: Tally) -> RoleSession:
        """Take a role. Raises CallFailed, and CannotEnter when it landed in another account."""
        session = RoleSession(self, role, tally)
        session.keys()
        return session

    def take(self, role: Role, tally: Tally) -> ReadOnlyCredentials:
        """Ask for keys. Raises CallFailed, CannotEnter."""
        self._take_hop()
        calls = Calls(role.account_id, self._assuming, self._retries, self._pace, tally)
        request: AssumeRoleRequestTypeDef = {
            "RoleArn": role.arn,
            "RoleSessionName": self._session_name,
            "Policy": self._policy,
            "DurationSeconds": LIVES_FOR,
        }
        if role.external_id:
            request["ExternalId"] = role.external_id
        if self._source_identity:
            request["SourceIdentity"] = self._source_identity
        if self._tags:
            request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(self._tags.items())]
        answer = calls.read(self._client.assume_role, **request)
        landed = answer["AssumedRoleUser"]["Arn"]
        if account_of(landed) != role.account_id:
            raise CannotEnter(
                f"role {role.name} landed in account {account_of(landed)}, not in {role.account_id}",
                "check AWS_ENDPOINT_URL: AWS itself never does this",
            )
        keys = answer["Credentials"]
        return ReadOnlyCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def _take_hop(self) -> None:
        """Have the role in the middle first, so that its refusal is not mistaken for one of the account's."""
        if self._hop is None:
            return
        try:
            self._hop.keys()
        except CallFailed as failed:
            arn = self._hop.role.arn
            raise CannotEnter(
                f"access.hop_role {arn} cannot be taken: {failed.sentence}",
                f"look at the trust policy of {arn}, at the external id, and at sts:AssumeRole of the caller",
            ) from failed

    @cached_property
    def _client(self) -> STSClient:
        return self._connection.sts() if self._assuming.own else self._connection.role_sts()

    @property
    def connection(self) -> Connection:
        """Whose clients sign with the sessions."""
        return self._connection

    @property
    def retries(self) -> Retries:
        """Whose clock tells how old a session is."""
        return self._retries


class RoleSession:
    """One role session; an `Identity` that signs with it in any thread."""

    own = False

    def __init__(self, sessions: RoleSessions, role: Role, tally: Tally) -> None:
        """Take nothing yet."""
        self.role = role
        self._sessions = sessions
        self._tally = tally
        self._lock = threading.Lock()
        self._held: _Keys | None = None

    def keys(self) -> ReadOnlyCredentials:
        """Keys with at least five minutes left. Raises CallFailed, CannotEnter, ExpiredCredentials."""
        with self._lock:
            # Its age by our own counter: the clock behind `Expiration` need not agree with ours.
            now = self._sessions.retries.monotonic()
            if self._held is None or now - self._held.taken_at > LIVES_FOR - TAKEN_ANEW_BEFORE_END:
                self._held = _Keys(self._sessions.take(self.role, self._tally), now)
            return self._held.keys

    @contextmanager
    def signing(self) -> Iterator[None]:
        """Sign with this session while the block runs."""
        with self._sessions.connection.chosen.use(self.keys()):
            yield

    def renew(self) -> None:
        """AWS says that the session has ended: the next call takes it anew."""
        with self._lock:
            self._held = None


def account_of(arn: str) -> str:
    """The account is the fifth field of any ARN."""
    return arn.split(":")[4]
