"""Opens accounts: role after role, narrowed to the table of operations, and checks where it landed.

See design.md#accounts.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from rollout.aws.connect.open_account import AwsAccount
from rollout.aws.connect.role_session import Role, RoleSession, RoleSessions, account_of
from rollout.aws.connect.session_policy import session_policy
from rollout.aws.probe.capabilities import AwsCapabilities, Principal
from rollout.awsapi.attempts import Tally
from rollout.awsapi.calls import CallerIdentity, Calls, Identity
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import IamGuard, OurNames
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.inventory import Effort
from rollout.domain.people.organization import Account, Caller
from rollout.workflows.ports import CannotEnter, Clock

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

DEFAULT_ROLES = ("OrganizationAccountAccessRole", "AWSControlTowerExecution")
LATE_RETRY_AFTER = 10.0
"""Seconds until roles of a new account are tried once more (aws-facts.md#errors-and-retries)."""


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """How to enter one account: role names in order, and the external id that they ask for."""

    roles: tuple[str, ...] | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class AccountEntrySettings:
    """How accounts are entered: what `access` in `rollout.yaml` says, as plain values.

    `hop_role` is the ARN of a role that is taken first, and from which the accounts' roles are taken.
    `source_identity` needs `sts:SetSourceIdentity` in every trust policy, `session_tags` need `sts:TagSession`; so
    they are nobody's default.
    """

    roles: tuple[str, ...] = DEFAULT_ROLES
    own_account_role: str | None = None
    external_id: str | None = None
    overrides: Mapping[str, RoleChoice] = field(default_factory=dict)
    hop_role: str | None = None
    session_name: str = "rollout"
    source_identity: str | None = None
    session_tags: Mapping[str, str] = field(default_factory=dict)

    def into(self, account_id: str) -> RoleChoice:
        """The roles and the external id for one account."""
        override = self.overrides.get(account_id, RoleChoice())
        roles = self.roles if override.roles is None else override.roles
        return RoleChoice(roles, override.external_id or self.external_id)


class AwsAccountAccess:
    """Fills `Door`. The caller's own account is entered with own credentials, or by `own_account_role`.

    With `writing=False`, the session policies and the guard let nothing through that changes anything.
    """

    def __init__(  # noqa: PLR0913 - what wiring fills in, once
        self,
        connection: Connection,
        caller: Caller,
        clock: Clock,
        ours: OurNames,
        entry_settings: AccountEntrySettings | None = None,
        *,
        writing: bool,
        retries: Retries | None = None,
        is_new: Callable[[Account], bool] = lambda _: False,
    ) -> None:
        """Ask nothing yet."""
        self._connection = connection
        self._caller = caller
        self._clock = clock
        self._ours = ours
        self._entry_settings = entry_settings or AccountEntrySettings()
        self._writing = writing
        self._retries = retries or Retries()
        self._is_new = is_new
        self._tallies: dict[str, Tally] = {}
        self._paces: dict[str, Pace] = {}
        self._lock = threading.Lock()

    def effort(self, account_id: str) -> Effort:
        """The requests that an account has taken so far, those to enter it too."""
        return self._tally(account_id).effort

    def enter(self, account: Account) -> AwsAccount:
        """Enter by the first role that lets us in.

        Raises CannotEnter with all that was refused, and ExpiredCredentials or NoCredentials when it is the caller
        that AWS does not know any more.
        """
        way = self._way_into(account)
        return AwsAccount(account, way.role, self._calls(account, way), way.client, self._clock)

    def probe(self, account: Account) -> AwsCapabilities:
        """Enter likewise, to find out what may be done there. Raises what `enter` raises."""
        way = self._way_into(account)
        principal = Principal(way.arn, way.role, account.id, self._caller.partition)
        return AwsCapabilities(principal, self._calls(account, way), way.client, self._ours)

    def _way_into(self, account: Account) -> _Way:
        if account.id == self._caller.account_id and not self._entry_settings.own_account_role:
            return _Way("own credentials", self._caller.arn, CallerIdentity(), self._own_iam)
        session = self._session(account)
        return _Way(session.role.name, session.role.arn, session, self._role_iam)

    def _calls(self, account: Account, way: _Way) -> Calls:
        pace, tally = self._pace(account.id), self._tally(account.id)
        return Calls(account.id, way.identity, self._retries, pace, tally)

    def _pace(self, account_id: str) -> Pace:
        # AWS remembers what it was asked, however often the account is entered.
        with self._lock:
            return self._paces.setdefault(account_id, self._retries.pace())

    def _tally(self, account_id: str) -> Tally:
        with self._lock:
            return self._tallies.setdefault(account_id, Tally())

    def _session(self, account: Account) -> RoleSession:
        try:
            return self._first_that_opens(account)
        except _AllRefused as refused:
            if not self._is_new(account):
                raise refused.ending from None
        # Organizations makes the account first, and its role moments later.
        self._retries.sleep(LATE_RETRY_AFTER)
        try:
            return self._first_that_opens(account)
        except _AllRefused as refused:
            raise refused.ending from None

    def _first_that_opens(self, account: Account) -> RoleSession:
        access = self._access(account.id)
        refused: list[tuple[str, str]] = []
        for name in access.roles or ():
            role = Role(
                arn=f"arn:{self._caller.partition}:iam::{account.id}:role/{name.lstrip('/')}",
                name=name,
                account_id=account.id,
                external_id=access.external_id,
            )
            try:
                return self._sessions.open(role, self._tally(account.id))
            except CallFailed as failed:
                if failed.fault not in {Fault.DENIED, Fault.NOT_FOUND}:
                    raise CannotEnter(f"role {name}: {failed.sentence}", _cure(failed)) from failed
                refused.append((name, failed.sentence))
        raise _AllRefused(account, refused, self._caller)

    def _access(self, account_id: str) -> RoleChoice:
        access = self._entry_settings.into(account_id)
        if account_id == self._caller.account_id and self._entry_settings.own_account_role:
            return RoleChoice((self._entry_settings.own_account_role,), access.external_id)
        return access

    @cached_property
    def _guard(self) -> IamGuard:
        return IamGuard(self._ours, self._writing)

    @cached_property
    def _own_iam(self) -> IAMClient:
        return self._connection.own_iam(self._guard)

    @cached_property
    def _role_iam(self) -> IAMClient:
        return self._connection.role_iam(self._guard)

    @cached_property
    def _sessions(self) -> RoleSessions:
        sessions = RoleSessions(
            self._connection,
            self._retries,
            policy=session_policy(self._caller.partition, self._ours, writing=self._writing),
            session_name=sanitised(self._entry_settings.session_name),
            source_identity=self._entry_settings.source_identity
            and sanitised(self._entry_settings.source_identity),
            tags=self._entry_settings.session_tags,
        )
        arn = self._entry_settings.hop_role
        return (
            sessions.after(Role(arn, arn, account_of(arn), self._entry_settings.external_id))
            if arn
            else sessions
        )


@dataclass(frozen=True, slots=True)
class _Way:
    """Into one account: by which role, as whom, signed by what."""

    role: str
    arn: str
    identity: Identity
    client: IAMClient


class _AllRefused(Exception):
    def __init__(self, account: Account, roles: list[tuple[str, str]], caller: Caller) -> None:
        names = ", ".join(name for name, _ in roles)
        super().__init__(names)
        if not roles:
            self.ending = CannotEnter(
                "no role to enter it by is set", "set access.roles, or an override for it"
            )
            return
        self.ending = CannotEnter(
            f"AccessDenied for {'role' if len(roles) == 1 else 'roles'} {names}",
            f"create one of them in account {account.id} ({account.name}) with trust in {caller.arn}, or name one that "
            f"is there under access.overrides; if it is there, look at its trust policy, at the external id, at "
            f"sts:AssumeRole of the caller, and at service control policies",
            tuple(said for _, said in roles),
        )


def sanitised(name: str) -> str:
    r"""Make a `RoleSessionName` of a text: 2 to 64 of `\w+=,.@-`; botocore does not check.

    See aws-facts.md#roles-and-least-privilege.
    """
    kept = re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[:64]
    return kept if len(kept) >= 2 else "rollout"


def _cure(failed: CallFailed) -> str:
    match failed.code:
        case "RegionDisabledException":
            return "STS is off in this Region for that account: set AWS_DEFAULT_REGION to the partition's home Region"
        case "PackedPolicyTooLarge" | "MalformedPolicyDocument":
            return "choose shorter names for policy.name and policy.group"
        case _:
            return failed.cure
