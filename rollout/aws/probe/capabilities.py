"""Finds out which actions are allowed in one account: by simulation if permitted, otherwise by harmless requests.

See aws-facts.md#simulation-and-validation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from rollout.aws.probe.probes import NOBODY, Probes
from rollout.aws.prove.proof_sessions import NEEDED_ON, ProofAccountArns, actions_of
from rollout.aws.read.authorization_details import Details, read_details
from rollout.aws.read.console_authorization import NEVER_CONFIGURED
from rollout.aws.read.credential_report import LIMITED, NOT_READY, NOT_THERE
from rollout.awsapi.calls import Calls
from rollout.awsapi.denials import denial_of
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import OPERATIONS, On, Operation, Use, operation_named
from rollout.domain.diagnosis.facts import DeniedBy, FoundBy, Permission, QuotaUsage, Right
from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.people.users import User
from rollout.domain.policy.our_arns import OurArns, name_of
from rollout.domain.proof.proof_users import ProofNames
from rollout.workflows.ports import CannotEnter

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef, EvaluationResultTypeDef

NEEDED: tuple[Operation, ...] = tuple(
    operation
    for operation in OPERATIONS
    if operation.service in {"iam", "signin"} and operation.use in {Use.READ, Use.WRITE}
)
_ON_USERS = {
    "GetAccessKeyLastUsed",
    "GetLoginProfile",
    "GetUser",
    "ListAccessKeys",
    "ListAttachedUserPolicies",
    "ListGroupsForUser",
    "ListMFADevices",
    "ListSSHPublicKeys",
    "ListServiceSpecificCredentials",
}
NOT_YET = NOT_THERE | NOT_READY | LIMITED
"""Error codes about a credential report that AWS returns only to callers who may read it."""

_ON_GROUPS = {"GetGroup", "ListAttachedGroupPolicies"}
_ON_POLICIES = {"GetPolicy", "GetPolicyVersion", "ListEntitiesForPolicy", "ListPolicyVersions"}


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that signs in the account, by ARN: a role session, a user, or the caller's own session."""

    arn: str
    role: str
    account_id: str
    partition: str


class AwsCapabilities:
    """Implements `Capabilities`. It only reads, and only calls operations of the table."""

    def __init__(
        self,
        principal: Principal,
        calls: Calls,
        client: IAMClient,
        ours: OurArns,
        sign_in: Any,
        trail: BaseClient | None = None,
    ) -> None:
        """Keep the arguments; make no call yet. `sign_in` is a client of AWS Sign-In.

        `trail` is one of CloudTrail, if access keys are looked up there.
        """
        self._principal = principal
        self._calls = calls
        self._client = client
        self._ours = ours
        self._sign_in = sign_in
        self._trail = trail
        self._needed = (*NEEDED, operation_named("cloudtrail", "LookupEvents")) if trail else NEEDED

    @property
    def role(self) -> str:
        """The role that was assumed, or "own credentials"."""
        return self._principal.role

    def rights(self) -> tuple[Right, ...]:
        """Tell for every needed action whether it is allowed. Raises NoCredentials, ExpiredCredentials, AwsFailure."""
        try:
            found = self._simulated()
        except CallFailed as failed:
            found = self._asked(failed.short)
        return tuple(found[action] for action in sorted(found))

    def proof_rights(self) -> tuple[Right, ...]:
        """Tell for every action that `rollout prove` needs besides whether it is allowed, by simulation.

        Raises NoCredentials, ExpiredCredentials, AwsFailure.
        """
        principal = self._principal
        arns = ProofAccountArns(principal.partition, principal.account_id, ProofNames("doctor"))
        found: dict[str, Right] = {}
        try:
            arn = self._arn_to_simulate()
            for kind, names in NEEDED_ON.items():
                resource = "*" if kind == "*" else arns.arn(kind, f"{arns.prefix}x")
                for result in self._results(arn, actions_of(names), resource, arns.policies[0]):
                    right = _right_of(result, writes=kind != "*")
                    found[right.action] = replace(right, for_proof=True)
        except CallFailed as failed:
            why = f"no simulation: {failed.short}"
            for kind, names in NEEDED_ON.items():
                for action in actions_of(names):
                    untested = Right(action, kind != "*", Permission.UNTESTED, why=why, for_proof=True)
                    found.setdefault(action, untested)
        return tuple(found[action] for action in sorted(found))

    def quota_usage(self) -> QuotaUsage:
        """Count what AWS's quotas limit. Raises CannotEnter when the users cannot be listed."""
        try:
            details = self._details
            numbers = self._numbers()
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed
        policies = {*self._ours.policies}
        return QuotaUsage(
            numbers=numbers,
            groups={user.name: len(user.groups) for user in details.users},
            policies={user.name: len(user.attached) for user in details.users},
            versions={arn: len(details.policies[arn].versions) for arn in policies & details.policies.keys()},
            attached={
                name: len(group.attached)
                for name, group in details.groups.items()
                if self._ours.arn(f"group{group.path}{name}") in self._ours.groups
            },
        )

    def our_policies(self) -> tuple[ManagedPolicy, ...]:
        """List the policies of our names at our path; AWS gives their tags one by one only. Raises CannotEnter."""
        try:
            there = [arn for arn in self._ours.policies if arn in self._details.policies]
            return tuple(replace(self._details.policies[arn], tags=self._tags(arn)) for arn in there)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def _tags(self, arn: str) -> Mapping[str, str]:
        found = self._calls.read(self._client.get_policy, PolicyArn=arn)["Policy"]
        return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}

    def users(self) -> tuple[User, ...]:
        """List the users, with all that they can be selected by. Raises CannotEnter."""
        try:
            return self._details.users
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    @cached_property
    def _details(self) -> Details:
        now = self._calls.retries.now()
        return read_details(self._calls, self._client, now)

    def _numbers(self) -> Mapping[str, int]:
        try:
            numbers: Mapping[str, int] = self._calls.read(self._client.get_account_summary)["SummaryMap"]  # type: ignore[assignment]  # the stub types the keys as literals
        except CallFailed as failed:
            if failed.not_offered:
                return {}
            raise
        return numbers

    # --- By simulation ---

    def _simulated(self) -> dict[str, Right]:
        """Simulate every needed action as this principal. Raises CallFailed when simulation is not available."""
        arn = self._arn_to_simulate()
        found: dict[str, Right] = {}
        for resource, operations in self._by_resource():
            writes = {action: one.writes for one in operations for action in one.actions}
            for result in self._results(arn, list(writes), resource, self._ours.policies[0]):
                action = result["EvalActionName"]
                # Simulated on two policies or groups: denied on one counts as denied.
                if action not in found or found[action].permission is Permission.ALLOWED:
                    found[action] = _right_of(result, writes=writes[action])
        return found

    def _results(
        self, arn: str, actions: list[str], resource: str, policy_arn: str
    ) -> Iterator[EvaluationResultTypeDef]:
        attached_policy: ContextEntryTypeDef = {
            "ContextKeyName": "iam:PolicyARN",
            "ContextKeyValues": [policy_arn],
            "ContextKeyType": "string",
        }
        for page in self._calls.pages(
            self._client.simulate_principal_policy,
            "Marker",
            PolicySourceArn=arn,
            ActionNames=actions,
            ResourceArns=[resource],  # one at a time: the overall decision on several would hide the details
            ContextEntries=[attached_policy],
        ):
            yield from page["EvaluationResults"]

    def _by_resource(self) -> Iterator[tuple[str, list[Operation]]]:
        """Group the operations by the resource they are authorised on, so that six calls simulate all of them."""
        kinds: defaultdict[str, list[Operation]] = defaultdict(list)
        for operation in self._needed:
            kinds[_resource_of(operation)].append(operation)
        yield "*", kinds["*"]
        yield self._ours.arn(f"user/{NOBODY}"), kinds["user"]
        for arn in self._ours.groups:
            yield arn, kinds["group"]
        for arn in self._ours.policies:
            yield arn, kinds["policy"]

    def _arn_to_simulate(self) -> str:
        """Find the ARN to simulate: of a role session, its role's, whose path the session's ARN does not contain."""
        arn = self._principal.arn
        resource = arn.split(":", 5)[-1]
        if not resource.startswith("assumed-role/"):
            return arn
        role = self._calls.read(self._client.get_role, RoleName=resource.split("/")[1])
        return role["Role"]["Arn"]

    # --- By asking ---

    def _asked(self, why_not_simulated: str) -> dict[str, Right]:
        """Make each read once: AWS checks permissions before it looks up the named object."""
        names = self._ours.policies[0], name_of(self._ours.groups[0])
        probes = Probes(self._calls, self._client, *names, self._sign_in, self._trail)
        untested = partial(Right, permission=Permission.UNTESTED, why=f"no simulation: {why_not_simulated}")
        found: dict[str, Right] = {}
        users: list[str] = []
        # The details first: they name the users that later requests are about.
        for operation in sorted(self._needed, key=lambda one: one.name != "GetAccountAuthorizationDetails"):
            if operation.writes:  # no harmless request tests a write; only a simulation does
                found |= {action: untested(action, writes=True) for action in operation.actions}
                continue
            (action,) = operation.actions
            try:
                if operation.name == "GetAccountAuthorizationDetails":
                    users = [user.name for user in self._details.users]
                found[action] = _right_of_answer(action, probes.ask(operation.name, users))
            except CallFailed as failed:
                found[action] = _right_of_failure(action, failed)
        return found


def _resource_of(operation: Operation) -> str:
    kinds = (
        ("user", _ON_USERS, {On.USER_BY_POLICY}),
        ("group", _ON_GROUPS, {On.OUR_GROUPS, On.GROUP_BY_POLICY}),
        ("policy", _ON_POLICIES, {On.OUR_POLICIES}),
    )
    return next((kind for kind, names, on in kinds if operation.name in names or operation.on in on), "*")


def _right_of_answer(action: str, answer: object) -> Right:
    if answer is Probes.CANNOT_ASK:
        return Right(
            action, writes=False, permission=Permission.UNTESTED, why="the account has nothing to try it on"
        )
    return Right(action, writes=False, permission=Permission.ALLOWED, found_by=FoundBy.ASKING)


def _right_of_failure(action: str, failed: CallFailed) -> Right:
    if failed.not_offered:
        return Right(action, writes=False, permission=Permission.MISSING, found_by=FoundBy.ASKING)
    if failed.fault is Fault.DENIED:
        return Right(
            action,
            writes=False,
            permission=Permission.DENIED,
            found_by=FoundBy.ASKING,
            why=one_line(failed.message),
            denied_by=denial_of(failed).by,
        )
    if failed.fault is Fault.NOT_FOUND or failed.code in {*NOT_YET, NEVER_CONFIGURED}:
        # Allowed, but there was nothing to return.
        return Right(action, writes=False, permission=Permission.ALLOWED, found_by=FoundBy.ASKING)
    return Right(action, writes=False, permission=Permission.UNTESTED, why=failed.short)


def _right_of(result: EvaluationResultTypeDef, *, writes: bool) -> Right:
    action = result["EvalActionName"]
    if result["EvalDecision"] == "allowed":
        return Right(action, writes, Permission.ALLOWED, FoundBy.SIMULATION)
    if missing := result.get("MissingContextValues", []):
        return Right(action, writes, Permission.UNTESTED, why=f"it depends on {', '.join(sorted(missing))}")
    by = _denied_by(result)
    why: str = by
    if by is DeniedBy.IDENTITY_POLICY:
        why = "a policy denies it" if result["EvalDecision"] == "explicitDeny" else "no policy allows it"
    return Right(action, writes, Permission.DENIED, FoundBy.SIMULATION, why, by)


def _denied_by(result: EvaluationResultTypeDef) -> DeniedBy:
    """Tell which policies denied a simulated request: IAM simulates SCPs, the boundary and identity policies only."""
    if result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False:
        return DeniedBy.SCP
    if result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary") is False:
        return DeniedBy.BOUNDARY
    return DeniedBy.IDENTITY_POLICY
