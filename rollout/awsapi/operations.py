"""Lists every AWS operation that this package calls, for what, and on what: the one table of design.md#accounts.

The session policies, the guard of the caller's own account and the retry rules are all made from it. A call of an
operation that is not here is refused before it is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """What an operation is for."""

    CALLER = "with the caller's own credentials only: the organization, and entering accounts"
    READ = "reading an account"
    PROBE = "finding out what may be done in an account; only where nothing is written"
    WRITE = "carrying changes: notify, enforce, release, rollback"


class On(StrEnum):
    """What an operation is authorised on (aws-facts.md#roles-and-least-privilege); the resource of its statement."""

    ANYTHING = "*"
    OUR_POLICIES = "policy"
    OUR_GROUPS = "group"
    USER_BY_POLICY = "user with our policies"
    GROUP_BY_POLICY = "group with our policies"


@dataclass(frozen=True, slots=True)
class Operation:
    """One API operation. Its IAM action is `<service>:<name>`, with `also` where AWS asks for more.

    `may_be_missing`: not every endpoint that speaks AWS offers it; that is a finding and stops nothing.
    """

    service: str
    name: str
    use: Use
    on: On = On.ANYTHING
    also: tuple[str, ...] = ()
    may_be_missing: bool = False

    @property
    def actions(self) -> tuple[str, ...]:
        """The IAM actions that the call needs."""
        prefix = _IAM_PREFIXES.get(self.service, self.service)
        return (f"{prefix}:{self.name}", *self.also)

    @property
    def writes(self) -> bool:
        """Tell whether the call changes anything; then a lost answer is never simply repeated."""
        return self.use is Use.WRITE


@dataclass(frozen=True, slots=True)
class OurNames:
    """What belongs to us in every account: path and name (`/rollout/ForceMFA`) of each policy and each group."""

    policies: tuple[str, ...]
    groups: tuple[str, ...]


_MISSING_ELSEWHERE = {
    "ListServiceSpecificCredentials",
    "ListPolicies",
    "ListTargetsForPolicy",
    "DescribePolicy",
    "ValidatePolicy",
    "SimulatePrincipalPolicy",
}
# IAM calls some services otherwise than botocore does.
_IAM_PREFIXES = {"accessanalyzer": "access-analyzer"}


def _table(service: str, use: Use, on: On, *names: str, also: tuple[str, ...] = ()) -> tuple[Operation, ...]:
    return tuple(Operation(service, name, use, on, also, name in _MISSING_ELSEWHERE) for name in names)


OPERATIONS: tuple[Operation, ...] = (
    *_table("sts", Use.CALLER, On.ANYTHING, "GetCallerIdentity", "AssumeRole"),
    *_table(
        "organizations",
        Use.CALLER,
        On.ANYTHING,
        "DescribeOrganization",
        "DescribePolicy",
        "ListAccounts",
        "ListAccountsForParent",
        "ListOrganizationalUnitsForParent",
        "ListPolicies",
        "ListRoots",
        "ListTagsForResource",
        "ListTargetsForPolicy",
    ),
    *_table("accessanalyzer", Use.CALLER, On.ANYTHING, "ValidatePolicy"),
    # The eight calls of design.md#accounts (with AssumeRole) …
    *_table(
        "iam",
        Use.READ,
        On.ANYTHING,
        "GenerateCredentialReport",
        "GetAccountAuthorizationDetails",
        "GetAccountPasswordPolicy",
        "GetAccountSummary",
        "GetCredentialReport",
        "ListServiceSpecificCredentials",
        "ListVirtualMFADevices",
        # … those of one user, where a verdict turns on them …
        "GetAccessKeyLastUsed",
        "GetLoginProfile",
        "GetUser",
        "ListAccessKeys",
        "ListMFADevices",
        # … and those that tell whether a change stands.
        "GetGroup",
        "GetPolicy",
        "GetPolicyVersion",
        "ListAttachedGroupPolicies",
        "ListAttachedUserPolicies",
        "ListEntitiesForPolicy",
        "ListGroupsForUser",
        "ListPolicyVersions",
    ),
    *_table("iam", Use.PROBE, On.ANYTHING, "GetRole", "SimulatePrincipalPolicy"),
    *_table("iam", Use.WRITE, On.OUR_POLICIES, "CreatePolicy", also=("iam:TagPolicy",)),
    *_table(
        "iam",
        Use.WRITE,
        On.OUR_POLICIES,
        "CreatePolicyVersion",
        "DeletePolicy",
        "DeletePolicyVersion",
        "SetDefaultPolicyVersion",
    ),
    # Membership is authorised on the group alone: IAM knows no way to narrow it to some users.
    *_table(
        "iam",
        Use.WRITE,
        On.OUR_GROUPS,
        "AddUserToGroup",
        "CreateGroup",
        "DeleteGroup",
        "RemoveUserFromGroup",
    ),
    *_table("iam", Use.WRITE, On.GROUP_BY_POLICY, "AttachGroupPolicy", "DetachGroupPolicy"),
    *_table("iam", Use.WRITE, On.USER_BY_POLICY, "AttachUserPolicy", "DetachUserPolicy"),
)

_BY_NAME: Mapping[tuple[str, str], Operation] = {
    (operation.service, operation.name): operation for operation in OPERATIONS
}


class OutsideTheTable(Exception):
    """A call that is not ours to make was stopped before it was signed: a bug of ours, never the operator's."""


def operation_named(service: str, name: str) -> Operation:
    """Look an operation up. Raises OutsideTheTable."""
    try:
        return _BY_NAME[service, name]
    except KeyError:
        raise OutsideTheTable(f"{service}:{name} is not in the table of operations") from None


@dataclass(frozen=True, slots=True)
class IamGuard:
    """Refuses every IAM call outside the table, and every write that is not on what is ours (design.md#accounts).

    It stands in front of every IAM client. For role sessions the session policy says the same on AWS's side; in the
    caller's own account, entered with own credentials, it is the only wall.
    """

    ours: OurNames
    writing: bool

    def __call__(self, operation: str, params: Mapping[str, object]) -> None:
        """Raise OutsideTheTable unless this call is ours to make."""
        known = operation_named("iam", operation)
        if not known.writes:
            return
        if not self.writing:
            raise OutsideTheTable(f"iam:{operation} writes, and this run only reads")
        group = params.get("GroupName")
        if group is not None and group not in names_of(self.ours.groups):
            raise OutsideTheTable(f"iam:{operation} on group {group}, which is not ours")
        self._look_at_policy(known, params)

    def _look_at_policy(self, operation: Operation, params: Mapping[str, object]) -> None:
        arn, name = str(params.get("PolicyArn", "")), params.get("PolicyName")
        if operation.on in {On.GROUP_BY_POLICY, On.USER_BY_POLICY}:
            # One of our name at another path is somebody else's that says the same: hung up, never changed.
            ours = arn.rpartition("/")[2].casefold() in {
                known.casefold() for known in names_of(self.ours.policies)
            }
        elif arn:
            ours = arn.partition(":policy")[2] in self.ours.policies
        else:
            ours = name is None or f"{params.get('Path', '/')}{name}" in self.ours.policies
        if not ours:
            raise OutsideTheTable(f"iam:{operation.name} on policy {arn or name}, which is not ours")


def names_of(paths: tuple[str, ...]) -> tuple[str, ...]:
    """The names without their paths."""
    return tuple(path.rpartition("/")[2] for path in paths)
