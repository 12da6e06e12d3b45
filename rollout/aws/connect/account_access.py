"""Enters accounts by the first role that works, with sessions limited to the operations that `rollout` needs.

See design.md#accounts.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rollout.aws.connect.open_account import AwsAccount
from rollout.aws.connect.role_session import RoleSession, RoleSessions, RoleToAssume
from rollout.aws.connect.session_policy import hop_policy, widest_policy
from rollout.aws.connect.trail_access import KeyEvidence, TrailAccess
from rollout.aws.probe.capabilities import AwsCapabilities, Principal
from rollout.aws.prove.proof_account import AwsProofMaker, AwsProofRemover
from rollout.aws.prove.proof_callers import ProofCallers
from rollout.aws.prove.proof_sessions import (
    MAKING_CALLS,
    REMOVING_CALLS,
    ProofAccountArns,
    ProofGuard,
    making_policy,
    removing_policy,
)
from rollout.aws.read.console_authorization import CallerView, ConsoleAuthorizations
from rollout.aws.read.managed_boundaries import ManagedBoundaries
from rollout.awsapi.attempts import CallCounts
from rollout.awsapi.calls import CallerIdentity, Calls, Identity
from rollout.awsapi.denials import denial_of
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import IamGuard
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection, Guard
from rollout.domain.diagnosis.facts import Denial
from rollout.domain.people.observations import Effort
from rollout.domain.people.organization import Account, Caller, account_of
from rollout.domain.people.scope import first_ou_match
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_arns import OurArns, our_arns
from rollout.domain.policy.our_resources import Names
from rollout.domain.proof.proof_steps import ProofDocuments
from rollout.domain.proof.proof_users import PREFIX
from rollout.workflows.ports import CannotEnter, Clock

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

DEFAULT_ROLES = ("OrganizationAccountAccessRole", "AWSControlTowerExecution")
LATE_RETRY_AFTER = 10.0
"""Seconds to wait before trying the roles of a new account once more (aws-facts.md#errors-and-retries)."""


NO_EXTERNAL_ID = ""


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """How to enter one account: the role names to try in order, and the external ID that they require.

    In an override, None is as elsewhere, and NO_EXTERNAL_ID is none.
    """

    roles: tuple[str, ...] | None = None
    external_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AccountEntrySettings:
    """How to enter accounts: the `access` section of `rollout.yaml`, as plain values.

    `overrides` are by account ID, `ou_overrides` by pattern of OU paths, of which the first that matches counts.
    `reading_roles` are tried instead of `roles` by a run that only reads; None: the same.
    `hop_role` is the ARN of a role to assume first; the accounts' roles are then assumed from it. `source_identity` and
    `session_tags` are off by default, since every trust policy would have to allow `sts:SetSourceIdentity` and
    `sts:TagSession`.
    """

    roles: tuple[str, ...] = DEFAULT_ROLES
    own_account_role: str | None = None
    external_id: str | None = field(default=None, repr=False)
    overrides: Mapping[str, RoleChoice] = field(default_factory=dict)
    ou_overrides: Mapping[str, RoleChoice] = field(default_factory=dict)
    hop_role: str | None = None
    hop_external_id: str | None = field(default=None, repr=False)
    session_name: str = "rollout"
    source_identity: str | None = None
    session_tags: Mapping[str, str] = field(default_factory=dict)
    reading_roles: tuple[str, ...] | None = None

    def into(self, account: Account, *, reading: bool = False) -> RoleChoice:
        """Return the roles and the external ID for one account; `reading`: for a run that writes nothing."""
        usual = self.reading_roles if reading and self.reading_roles else self.roles
        by_ou = first_ou_match(tuple(self.ou_overrides), account.ou)
        ways = [self.overrides.get(account.id), self.ou_overrides.get(by_ou or "")]
        ways.append(RoleChoice(usual, self.external_id))
        chosen = [way for way in ways if way]
        roles = next(way.roles for way in chosen if way.roles is not None)
        external_id = next((way.external_id for way in chosen if way.external_id is not None), None)
        return RoleChoice(roles, external_id or None)


class AwsAccountAccess:
    """Implements `AccountAccess` and `ProbingAccess`.

    It enters the caller's own account with the caller's credentials, or by `own_account_role` if that is set. With
    `writing=False`, the session policies and the guard refuse every write.
    """

    def __init__(  # noqa: PLR0913 - what wiring fills in, once
        self,
        connection: Connection,
        caller: Caller,
        clock: Clock,
        names: Names,
        ways: AccountEntrySettings | None = None,
        *,
        writing: bool,
        retries: Retries | None = None,
        is_new: Callable[[Account], bool] = lambda _: False,
        organization_id: str = "",
        evidence: KeyEvidence | None = None,
    ) -> None:
        """Keep the arguments; make no call yet. Without `organization_id`, only accounts are asked about sign-in.

        `evidence` tells what access keys call; None: nobody looks.
        """
        self._connection = connection
        self._caller = caller
        self._clock = clock
        self._names = names
        self._entry_settings = ways or AccountEntrySettings()
        self._writing = writing
        self._retries = retries or Retries()
        self._is_new = is_new
        self._trail: TrailAccess | None = None
        if evidence is not None:
            self._trail = TrailAccess(connection, self._retries, caller.partition, evidence)
        self._tallies: dict[str, CallCounts] = {}
        self._paces: dict[str, Pace] = {}
        self._sessions: dict[tuple[str, ...], RoleSessions] = {}
        self._organization_id = organization_id
        self._boundaries = ManagedBoundaries()
        self._authorizations = ConsoleAuthorizations(caller.partition, self._caller_view)
        self._lock = threading.Lock()

    def effort(self, account_id: str) -> Effort:
        """Count the requests made for an account so far, including those to enter it."""
        return self._tally(account_id).effort

    def enter(self, account: Account, made: Made | None = None) -> AwsAccount:
        """Enter by the first role that can be assumed. `made`: what the journal says about the account.

        Raises CannotEnter with every refusal, and ExpiredCredentials or NoCredentials when AWS no longer accepts the
        caller's credentials.
        """
        ours = self._ours_in(account, made)
        entry = self._entry_into(account, lambda: self._policy(ours), reading=not self._writing)
        calls = self._calls(account, entry, ours)
        sign_in = partial(self._authorizations.of, account.id, calls, entry.sign_in)
        trail = partial(self._trail.of_keys, calls, entry.client) if self._trail else None
        return AwsAccount(
            account, entry.role, calls, entry.client, self._clock, self._boundaries, sign_in, trail=trail
        )

    def probe(self, account: Account) -> AwsCapabilities:
        """Enter as a writing run does, to find out which actions are allowed. Raises the same errors as `enter`."""
        ours = self._ours_in(account)
        entry = self._entry_into(account, lambda: self._policy(ours))
        principal = Principal(entry.arn, entry.role, account.id, self._caller.partition)
        calls = self._calls(account, entry, ours)
        trail = self._trail.at_home(own=entry.identity.own) if self._trail else None
        return AwsCapabilities(principal, calls, entry.client, ours, entry.sign_in, trail)

    def for_proof(self, account: Account, documents: ProofDocuments) -> AwsProofMaker:
        """Enter to make what one proof needs, and nothing else. Raises the same errors as `enter`."""
        partition, names = self._caller.partition, documents.names
        ours = ProofAccountArns(partition, account.id, names)
        guard = ProofGuard(MAKING_CALLS, ours.prefix)
        entry = self._entry_into(account, lambda: making_policy(ours), guard)
        arn = f"arn:{partition}:iam::{account.id}"
        callers = ProofCallers(self._connection, self._retries, self._clock, arn, names)
        return AwsProofMaker(self._calls(account, entry), entry.client, partition, documents, callers)

    def after_proofs(self, account: Account) -> AwsProofRemover:
        """Enter to find and remove what proofs have left, and nothing else. Raises the same errors as `enter`."""
        partition = self._caller.partition
        guard = ProofGuard(REMOVING_CALLS, PREFIX)
        entry = self._entry_into(account, lambda: removing_policy(partition, account.id), guard)
        calls = self._calls(account, entry)
        console = partial(self._authorizations.of, account.id, calls, entry.sign_in)
        return AwsProofRemover(calls, entry.client, partition, console)

    def _ours_in(self, account: Account, made: Made | None = None) -> OurArns:
        return our_arns(self._caller.partition, account.id, self._names, made or Made())

    def _entry_into(
        self,
        account: Account,
        policy: Callable[[], str],
        guard: Guard | None = None,
        *,
        reading: bool = False,
    ) -> _Entry:
        """Enter by a session with that policy; the guard is that of the run unless another is given."""
        if account.id == self._caller.account_id and not self._entry_settings.own_account_role:
            client = self._connection.own_iam(guard) if guard else self._own_iam
            own = CallerIdentity()
            return _Entry("own credentials", self._caller.arn, own, client, self._own_sign_in)
        session = self._session(account, self._choice(account, reading=reading), policy())
        client = self._connection.role_iam(guard) if guard else self._role_iam
        return _Entry(session.role.name, session.role.arn, session, client, self._role_sign_in)

    def _policy(self, ours: OurArns) -> str:
        usual = our_arns(ours.partition, ours.account_id, self._names, Made())
        return widest_policy(
            ours, usual, writing=self._writing, trail=self._trail is not None and self._trail.asks
        )

    def _calls(self, account: Account, entry: _Entry, ours: OurArns | None = None) -> Calls:
        pace, tally = self._pace(account.id), self._tally(account.id)
        return Calls(account.id, entry.identity, self._retries, pace, tally, ours)

    def _pace(self, account_id: str) -> Pace:
        # Entering an account again does not reset AWS's rate limits, so its bucket is kept.
        with self._lock:
            return self._paces.setdefault(account_id, self._retries.pace())

    def _tally(self, account_id: str) -> CallCounts:
        with self._lock:
            return self._tallies.setdefault(account_id, CallCounts())

    def _session(self, account: Account, choice: RoleChoice, policy: str) -> RoleSession:
        try:
            return self._first_that_opens(account, choice, policy)
        except _AllRefused as refused:
            if not self._is_new(account):
                raise refused.ending from None
        # Organizations creates the account first and its role moments later.
        self._retries.sleep(LATE_RETRY_AFTER)
        try:
            return self._first_that_opens(account, choice, policy)
        except _AllRefused as refused:
            raise refused.ending from None

    def _first_that_opens(self, account: Account, access: RoleChoice, policy: str) -> RoleSession:
        refused: list[tuple[str, Denial]] = []
        for name in access.roles or ():
            role = RoleToAssume(
                arn=self._role_arn(account.id, name),
                name=name,
                account_id=account.id,
                external_id=access.external_id,
                policy=policy,
            )
            try:
                return self._sessions_for(access).open(role, self._tally(account.id))
            except CallFailed as failed:
                if failed.fault not in {Fault.DENIED, Fault.NOT_FOUND}:
                    raise CannotEnter(f"role {name}: {failed.sentence}", _cure(failed)) from failed
                refused.append((name, denial_of(failed)))
        raise _AllRefused(account, refused, self._caller)

    def _choice(self, account: Account, *, reading: bool) -> RoleChoice:
        access = self._entry_settings.into(account, reading=reading)
        if account.id == self._caller.account_id and self._entry_settings.own_account_role:
            return RoleChoice((self._entry_settings.own_account_role,), access.external_id)
        return access

    @cached_property
    def _guard(self) -> IamGuard:
        return IamGuard(self._writing)

    @cached_property
    def _own_iam(self) -> IAMClient:
        return self._connection.own_iam(self._guard)

    @cached_property
    def _role_iam(self) -> IAMClient:
        return self._connection.role_iam(self._guard)

    @cached_property
    def _own_sign_in(self) -> Any:
        return self._connection.own_sign_in()

    @cached_property
    def _role_sign_in(self) -> Any:
        return self._connection.role_sign_in()

    def _caller_view(self) -> CallerView | None:
        if not self._organization_id:
            return None
        calls = Calls("", CallerIdentity(), self._retries, self._pace(""), self._tally(""))
        organizations = self._connection.organizations()
        return CallerView(self._organization_id, calls, self._own_sign_in, organizations)

    def _sessions_for(self, access: RoleChoice) -> RoleSessions:
        """Return the sessions for accounts that are entered by the same roles; a hop may assume those and no others."""
        roles = (access.roles or ()) if self._entry_settings.hop_role else ()
        with self._lock:
            if roles not in self._sessions:
                self._sessions[roles] = self._after_hop(roles)
            return self._sessions[roles]

    def _after_hop(self, roles: tuple[str, ...]) -> RoleSessions:
        sessions = RoleSessions(
            self._connection,
            self._retries,
            session_name=sanitised(self._entry_settings.session_name),
            source_identity=self._entry_settings.source_identity
            and sanitised(self._entry_settings.source_identity),
            tags=self._entry_settings.session_tags,
        )
        entry, arn = self._entry_settings, self._entry_settings.hop_role
        if not arn:
            return sessions
        arns = [self._role_arn("*", name) for name in roles]
        policy = hop_policy(arns, identified=bool(entry.source_identity), tagged=bool(entry.session_tags))
        return sessions.after(RoleToAssume(arn, arn, account_of(arn), entry.hop_external_id, policy))

    def _role_arn(self, account_id: str, name: str) -> str:
        return f"arn:{self._caller.partition}:iam::{account_id}:role/{name.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """How one account is entered: the role's name, its ARN, the identity that signs, and the clients.

    `client` is IAM's, `sign_in` that of AWS Sign-In, for which there are no type stubs here.
    """

    role: str
    arn: str
    identity: Identity
    client: IAMClient
    sign_in: Any


class _AllRefused(Exception):
    def __init__(self, account: Account, roles: list[tuple[str, Denial]], caller: Caller) -> None:
        names = ", ".join(name for name, _ in roles)
        super().__init__(names)
        if not roles:
            self.ending = CannotEnter(
                "no role is configured for this account", "set access.roles, or an override for this account"
            )
            return
        self.ending = CannotEnter(
            f"AccessDenied for {'role' if len(roles) == 1 else 'roles'} {names}",
            f"create one of them in account {account.id} ({account.name}) with a trust policy that allows "
            f"{caller.arn}, or name an existing role under access.overrides; if the role exists, check its trust "
            f"policy, its external ID, that the caller may call sts:AssumeRole, and the service control policies",
            tuple(denial for _, denial in roles),
        )


def sanitised(name: str) -> str:
    r"""Turn a text into a valid `RoleSessionName`, 2 to 64 of `\w+=,.@-`, which botocore does not check.

    See aws-facts.md#roles-and-least-privilege.
    """
    kept = re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[:64]
    return kept if len(kept) >= 2 else "rollout"


def _cure(failed: CallFailed) -> str:
    match failed.code:
        case "RegionDisabledException":
            return "STS is disabled in this Region: set AWS_DEFAULT_REGION to the partition's home Region"
        case "PackedPolicyTooLarge" | "MalformedPolicyDocument":
            return "choose shorter names for policy.name and policy.group"
        case _:
            return failed.cure
