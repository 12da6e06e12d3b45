"""Lists every AWS operation that `rollout` may call, its purpose and its resource (design.md#accounts).

The session policies, the guard in the caller's own account and the retry rules all derive from this one table. A call
to an operation that is not in it is refused before it is signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.policy.our_arns import OurArns, name_of


class Use(StrEnum):
    """What an operation is for."""

    CALLER = (
        "reading the organization, entering accounts and sealing the store, with the caller's own credentials"
    )
    NOTICES = "finding people, reading the secrets of channels, what may be sent, and what came back (notify)"
    SEND = "sending notices (notify)"
    FINDINGS = "sending findings to Security Hub (report --send)"
    READ = "reading an account"
    TRAIL = "looking up in CloudTrail what access keys call (evidence.cloudtrail: lookup)"
    PROBE = "finding out which actions are allowed in an account, in sessions that cannot write"
    WRITE = "making changes: notify, enforce, release, rollback"
    FIND = "finding what proofs have left in an account"
    PROVE = "making and removing the throw-away users of a proof"
    ASK = "asking AWS, as the throw-away users of a proof and with their own credentials"


class On(StrEnum):
    """The resource that an operation is authorised on (aws-facts.md#roles-and-least-privilege)."""

    ANYTHING = "*"
    OUR_POLICIES = "policy"
    OUR_GROUPS = "group"
    USER_BY_POLICY = "user with our policies"
    GROUP_BY_POLICY = "group with our policies"
    PROOF = "what a proof has made"


@dataclass(frozen=True, slots=True)
class Operation:
    """One API operation. Its IAM action is `<service>:<name>`; `also` lists further actions that AWS requires.

    `may_be_missing` marks an operation that AWS-compatible endpoints may lack; its absence is a finding, not an error.
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
        """Whether the call changes anything; a write whose response was lost is never simply repeated."""
        return self.use in {Use.WRITE, Use.PROVE, Use.SEND}


_MISSING_ELSEWHERE = {
    "GetConsoleAuthorizationConfiguration",
    "GetResourcePolicy",
    "ListSSHPublicKeys",
    "ListServiceSpecificCredentials",
    "ListPolicies",
    "LookupEvents",
    "ListTargetsForPolicy",
    "DescribePolicy",
    "ValidatePolicy",
    "SimulatePrincipalPolicy",
}
# IAM and botocore disagree on the names of some services.
_IAM_PREFIXES = {"accessanalyzer": "access-analyzer", "sesv2": "ses", "sso-admin": "sso"}


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
    *_table("kms", Use.CALLER, On.ANYTHING, "GenerateMac"),
    *_table("secretsmanager", Use.NOTICES, On.ANYTHING, "GetSecretValue"),
    *_table("ssm", Use.NOTICES, On.ANYTHING, "GetParameter"),
    *_table("sesv2", Use.NOTICES, On.ANYTHING, "GetAccount"),
    *_table("sesv2", Use.SEND, On.ANYTHING, "SendEmail", also=("ses:SendRawEmail",)),
    *_table("sns", Use.SEND, On.ANYTHING, "Publish"),
    *_table("sqs", Use.NOTICES, On.ANYTHING, "DeleteMessage", "ReceiveMessage"),
    *_table("sso-admin", Use.NOTICES, On.ANYTHING, "ListInstances"),
    *_table("identitystore", Use.NOTICES, On.ANYTHING, "ListUsers"),
    *_table("securityhub", Use.FINDINGS, On.ANYTHING, "BatchImportFindings"),
    # The nine calls of design.md#accounts (with AssumeRole and GetConsoleAuthorizationConfiguration) …
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
        # … those about one user, made when a verdict depends on them …
        "GetAccessKeyLastUsed",
        "GetLoginProfile",
        "GetUser",
        "GetUserPolicy",
        "ListAccessKeys",
        "ListMFADevices",
        "ListSSHPublicKeys",
        "ListUserPolicies",
        # … and those that confirm a change.
        "GetGroup",
        "GetPolicy",
        "GetPolicyVersion",
        "ListAttachedGroupPolicies",
        "ListAttachedUserPolicies",
        "ListEntitiesForPolicy",
        "ListGroupsForUser",
        "ListPolicies",
        "ListPolicyVersions",
    ),
    *_table("signin", Use.READ, On.ANYTHING, "GetConsoleAuthorizationConfiguration", "GetResourcePolicy"),
    *_table("cloudtrail", Use.TRAIL, On.ANYTHING, "LookupEvents"),
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
    # IAM authorises membership changes on the group alone; they cannot be restricted to certain users.
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
    # Beyond some of the above, for `rollout prove` (docs/proof.md): reads …
    *_table("iam", Use.FIND, On.ANYTHING, "ListGroups", "ListRoles", "ListUsers"),
    # … writes …
    *_table("iam", Use.PROVE, On.PROOF, "CreateUser", also=("iam:TagUser",)),
    *_table("iam", Use.PROVE, On.PROOF, "CreateRole", also=("iam:TagRole",)),
    *_table(
        "iam",
        Use.PROVE,
        On.PROOF,
        "CreateAccessKey",
        "CreateLoginProfile",
        "DeactivateMFADevice",
        "DeleteAccessKey",
        "DeleteLoginProfile",
        "DeleteRole",
        "DeleteUser",
        "DeleteVirtualMFADevice",
    ),
    # … and what is asked with the credentials of throw-away users.
    *_table(
        "iam",
        Use.ASK,
        On.PROOF,
        "ChangePassword",
        "CreateVirtualMFADevice",
        "EnableMFADevice",
        "ResyncMFADevice",
    ),
    *_table(
        "sts",
        Use.ASK,
        On.ANYTHING,
        "GetDelegatedAccessToken",
        "GetFederationToken",
        "GetSessionToken",
        "GetWebIdentityToken",
    ),
    *_table("signin", Use.ASK, On.ANYTHING, "CreateBearerToken"),
    *(
        Operation(service, name, Use.ASK, may_be_missing=True)
        for service, name in (
            ("cloudcontrol", "ListResources"),
            ("cloudtrail", "DescribeTrails"),
            ("dynamodb", "ListTables"),
            ("ec2", "DescribeRegions"),
            ("kms", "ListKeys"),
            ("logs", "DescribeLogGroups"),
            ("s3", "ListBuckets"),
            ("sns", "ListTopics"),
            ("sqs", "ListQueues"),
            ("ssm", "DescribeParameters"),
        )
    ),
)

_BY_NAME: Mapping[tuple[str, str], Operation] = {
    (operation.service, operation.name): operation for operation in OPERATIONS
}


class OperationNotAllowed(Exception):
    """A call that `rollout` must not make was stopped before it was signed; always a bug in `rollout`."""


def operation_named(service: str, name: str) -> Operation:
    """Look up an operation. Raises OperationNotAllowed."""
    try:
        return _BY_NAME[service, name]
    except KeyError:
        raise OperationNotAllowed(f"{service}:{name} is not in the table of operations") from None


_IN_HAND: ContextVar[OurArns | None] = ContextVar("what may be written to", default=None)


@contextmanager
def writing_to(ours: OurArns | None) -> Iterator[None]:
    """Let calls within the block, in this thread, write to what is ours in one account; with None, to nothing."""
    token = _IN_HAND.set(ours)
    try:
        yield
    finally:
        _IN_HAND.reset(token)


@dataclass(frozen=True, slots=True)
class IamGuard:
    """Refuses IAM calls outside the table, and writes to anything `rollout` does not manage (design.md#accounts).

    It checks the calls of every IAM client. For role sessions, the session policy enforces the same limits on AWS's
    side; in the caller's own account, entered with the caller's own credentials, there is only this guard, and the
    writer, which asks for the path of a group before it writes to it: IAM's requests name a group without its path.
    """

    writing: bool

    def __call__(self, operation: str, params: Mapping[str, object]) -> None:
        """Raise OperationNotAllowed unless `rollout` may make this call."""
        known = operation_named("iam", operation)
        if known.use in {Use.FIND, Use.PROVE, Use.ASK}:
            raise OperationNotAllowed(f"iam:{operation} is for `rollout prove` only")
        if not known.writes:
            return
        if not self.writing:
            raise OperationNotAllowed(f"iam:{operation} writes, but this run is read-only")
        ours = _IN_HAND.get()
        if ours is None:
            raise OperationNotAllowed(f"iam:{operation} writes, but no account is in hand")
        if (refused := _not_ours(known, params, ours)) is not None:
            raise OperationNotAllowed(f"iam:{operation} on {refused}, which rollout does not manage")


def _not_ours(operation: Operation, params: Mapping[str, object], ours: OurArns) -> str | None:
    """Name what a write is about that is not ours; None if all of it is."""
    group = params.get("GroupName")
    if group is not None:
        path = str(params.get("Path", "/"))
        # Only CreateGroup says the path; for the other calls, the writer has asked for it.
        arns = [ours.arn(f"group{path}{group}")] if operation.name == "CreateGroup" else None
        if not any(arn in arns if arns else name_of(arn) == group for arn in ours.groups):
            return f"group {path}{group}" if arns else f"group {group}"
    policy, name = params.get("PolicyArn"), params.get("PolicyName")
    if name is not None:
        policy = ours.arn(f"policy{params.get('Path', '/')}{name}")
    allowed = (*ours.policies, *ours.adopted) if operation.name.startswith("Detach") else ours.policies
    return None if policy is None or policy in allowed else f"policy {policy}"
