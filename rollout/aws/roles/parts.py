"""Decides what the roles may do and who may assume them, from the table of operations and the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rollout.aws.prove.proof_sessions import ATTACHING, DETACHING, FINDING, MAKING, NEEDED_ON, REMOVING
from rollout.aws.roles.template_resources import (
    ACCOUNT,
    EXTERNAL_ID,
    PARTITION,
    PATH,
    AccessRole,
    OrganizationPolicy,
    Part,
    RightsPolicy,
    Statement,
    StoreBucket,
)
from rollout.awsapi.operations import OPERATIONS, On, Use, operation_named
from rollout.domain.policy.our_resources import PATH as OUR_PATH
from rollout.domain.proof.proof_users import PATH as PROOF_PATH

READER, WRITER = "RolloutReader", "RolloutWriter"
READER_ROLE, WRITER_ROLE = (f"{PATH.strip('/')}/{name}" for name in (READER, WRITER))
"""As `access.reading_roles` and `access.roles` name them."""
_IAM = f"arn:{PARTITION}:iam::{ACCOUNT}:"
_ANY_IAM = f"arn:{PARTITION}:iam::*:"
_STACK_SETS = f"{_ANY_IAM}role/stacksets-exec-*"
"""The role by which service-managed StackSets work in member accounts."""
_BUCKET_READS = (
    *("s3:GetBucketObjectLockConfiguration", "s3:GetBucketPolicy", "s3:GetBucketPolicyStatus"),
    *("s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration"),
)
"""What `rollout doctor` asks about the bucket."""


@dataclass(frozen=True, slots=True)
class RolesWanted:
    """For whom the roles are, and with what.

    `writers` and `readers` are ARNs of roles or users, where the end may be `*`; writers may assume both roles.
    `telling` are the services of AWS by which people are found and told, and `telling_roles` the ARNs of roles for it.
    `bucket` is the store's, with the prefix of its objects; None for a store that is a folder. `kms_alias` or
    `kms_arn` is the key that seals it. `deny` is the deny statement of the policy in force, for the backstop.
    """

    writers: tuple[str, ...]
    readers: tuple[str, ...]
    organization_id: str | None
    external_id: bool
    source_identity: bool
    session_tags: bool
    mfa: bool
    trail: bool
    proof: bool
    telling: frozenset[str]
    telling_roles: tuple[str, ...]
    bucket: tuple[str, str] | None
    bucket_key: str | None
    sealing_key: str | None
    spared: tuple[str, ...]
    deny: Mapping[str, Any]


def parts(wanted: RolesWanted) -> Iterator[Part]:
    """Yield every part, the roles first."""
    yield Part(
        "roles",
        (
            "The roles by which rollout enters an account. Apply it to every account: as a service-managed StackSet",
            "to the member accounts, and as a stack to the management account, which StackSets leave out.",
            "Undo: delete it. rollout can no longer enter; what it has attached stays, so roll back first.",
        ),
        (
            _role("Reader", READER, wanted, (*wanted.writers, *wanted.readers), tuple(_reading(wanted))),
            _role("Writer", WRITER, wanted, wanted.writers, tuple(_writing(wanted))),
        ),
    )
    yield Part(
        "callers",
        (
            "What the people and jobs that run rollout need themselves. Apply it to their account, and attach",
            "RolloutCaller to those who apply, release and roll back, RolloutReadingCaller to those who only plan",
            "and verify: they may write to the store, but enter accounts by the reading role alone.",
            "Undo: detach and delete it.",
        ),
        (
            _caller("Caller", "RolloutCaller", wanted, "Rollout*"),
            _caller("ReadingCaller", "RolloutReadingCaller", wanted, READER),
        ),
    )
    if wanted.bucket:
        yield Part(
            "store",
            (
                "The bucket of the store. Apply it to the account in `bucket.owner`, or to that of the callers.",
                "Undo: it is retained when the stack is deleted, for without the journal nothing can be rolled back.",
            ),
            (StoreBucket(wanted.bucket[0], wanted.bucket_key, tuple(_bucket(wanted))),),
        )
    yield Part(
        "protect",
        (
            "Optional. An SCP that keeps everyone but rollout, and the StackSet, from changing the policy, the groups",
            "and the roles. Apply it to the management account, with the roots, OUs or accounts to attach it to.",
            "Risk: where access.roles names any other role, that role can no longer enforce or release anybody.",
            "Apply it after `rollout doctor` has passed with these roles. SCPs do not bind the management account.",
            "Undo: delete it.",
        ),
        (
            OrganizationPolicy(
                "Protect", "RolloutProtect", "Only rollout changes what rollout made", _protecting()
            ),
        ),
    )
    yield Part(
        "backstop",
        (
            "Optional, and never first. An SCP that denies IAM users everything but enrolling unless they use MFA,",
            "also those whom nobody has judged. Apply it to the management account, with the OUs to attach it to.",
            "Risk: it stops every machine that uses the access keys of a user, and everybody who must change a",
            "password before enrolling. Attach it to an OU only when `rollout status` shows everybody there enforced,",
            "and name whoever stays exempt. SCPs do not bind the management account.",
            "Undo: detach it from the OU; that takes effect within minutes. `rollout release` does not lift it.",
        ),
        (OrganizationPolicy("Backstop", "RolloutBackstop", "IAM users need MFA", (_backstop(wanted),)),),
    )


def _role(
    key: str, name: str, wanted: RolesWanted, callers: tuple[str, ...], statements: tuple[Statement, ...]
) -> AccessRole:
    writes = (
        "reads users and puts them under the policy" if name == WRITER else "reads users; changes nothing"
    )
    rights = RightsPolicy(f"{key}Rights", name, f"What {name} may do, and no more", statements)
    return AccessRole(key, f"rollout: {writes}", rights, tuple(_trust(wanted, callers)))


def _trust(wanted: RolesWanted, callers: tuple[str, ...]) -> Iterator[Statement]:
    # The account is the principal and the role a condition: a role that was deleted and made again still counts, and
    # the name may end in `*`, as roles of IAM Identity Center need.
    accounts = sorted({":".join(caller.split(":")[:5]) + ":root" for caller in callers})
    condition: dict[str, Any] = {"ArnLike": {"aws:PrincipalArn": [*callers]}}
    equal = {"aws:PrincipalOrgID": wanted.organization_id} if wanted.organization_id else {}
    if wanted.mfa:
        condition["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    passing = ["sts:SetSourceIdentity"] * wanted.source_identity + ["sts:TagSession"] * wanted.session_tags
    asked = [
        (["sts:AssumeRole"], {"sts:ExternalId": EXTERNAL_ID} if wanted.external_id else {}),
        (passing, {}),
    ]
    for actions, more in asked:
        if actions:
            both = equal | more
            yield {
                "Effect": "Allow",
                "Principal": {"AWS": accounts},
                "Action": actions,
                "Condition": condition | ({"StringEquals": both} if both else {}),
            }


def _reading(wanted: RolesWanted) -> Iterator[Statement]:
    uses = {Use.READ, Use.PROBE} | ({Use.TRAIL} if wanted.trail else set())
    # Reads name users, policies and devices of all kinds: they are authorised on whatever the account holds.
    yield _allow("Read", _actions(operation.use in uses for operation in OPERATIONS))


def _writing(wanted: RolesWanted) -> Iterator[Statement]:
    yield from _reading(wanted)
    policies, groups, users = f"{_IAM}policy{OUR_PATH}*", f"{_IAM}group{OUR_PATH}*", f"{_IAM}user/*"
    made = {On.OUR_POLICIES, On.OUR_GROUPS}
    yield _allow("WriteOurs", _actions(_written_on(made)), policies, groups)
    yield _allow("Attach", _actions(_written_on({On.GROUP_BY_POLICY, On.USER_BY_POLICY})), groups, users) | {
        "Condition": {"ArnLike": {"iam:PolicyARN": policies}}
    }
    if wanted.proof:
        yield from _proving(wanted)


def _written_on(kinds: set[On]) -> Iterator[bool]:
    return (operation.use is Use.WRITE and operation.on in kinds for operation in OPERATIONS)


def _proving(wanted: RolesWanted) -> Iterator[Statement]:
    read = {action for statement in _reading(wanted) for action in statement["Action"]}
    yield _allow("FindProofs", sorted({*_named(FINDING)} - read))
    attaching = {*ATTACHING, *DETACHING}
    everything = [f"{_IAM}{kind}{PROOF_PATH}*" for kind in NEEDED_ON if kind != "*"]
    yield _allow("MakeAndRemoveProofs", _named({*MAKING, *REMOVING} - attaching), *everything)
    yield _allow("AttachInProofs", _named(attaching), *everything) | {
        "Condition": {"ArnLike": {"iam:PolicyARN": f"{_IAM}policy{PROOF_PATH}*"}}
    }


def _caller(key: str, name: str, wanted: RolesWanted, roles: str) -> RightsPolicy:
    statements = [_allow("Organization", [*_calling()])]
    passing = ["sts:SetSourceIdentity"] * wanted.source_identity + ["sts:TagSession"] * wanted.session_tags
    statements.append(_allow("EnterAccounts", ["sts:AssumeRole", *passing], f"{_ANY_IAM}role{PATH}{roles}"))
    telling = {Use.NOTICES, Use.SEND}
    if actions := _actions(one.use in telling and one.service in wanted.telling for one in OPERATIONS):
        statements.append(_allow("FindAndTellPeople", actions))
    if wanted.telling_roles:
        statements.append(_allow("TellByRoles", ["sts:AssumeRole"], *wanted.telling_roles))
    if wanted.sealing_key:
        statements.append(_sealing(wanted.sealing_key))
    if wanted.bucket:
        statements += _storing(*wanted.bucket, wanted.bucket_key)
    return RightsPolicy(key, name, "What whoever runs rollout needs", tuple(statements))


def _calling() -> Iterator[str]:
    # KMS is asked for one key only, and roles are named.
    elsewhere = {"kms:GenerateMac", "sts:AssumeRole"}
    wanted = _actions(operation.use is Use.CALLER for operation in OPERATIONS)
    return (action for action in wanted if action not in elsewhere)


def _sealing(key: str) -> Statement:
    if key.startswith("arn:"):
        return _allow("Seal", ["kms:GenerateMac"], key)
    if key.startswith("alias/"):
        by_alias = {"Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": key}}}
        return _allow("Seal", ["kms:GenerateMac"], f"arn:{PARTITION}:kms:*:*:key/*") | by_alias
    return _allow("Seal", ["kms:GenerateMac"], f"arn:{PARTITION}:kms:*:*:key/{key}")


def _storing(bucket: str, prefix: str, kms_key: str | None) -> Iterator[Statement]:
    place = f"arn:{PARTITION}:s3:::{bucket}"
    objects = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    yield _allow("SeeStore", ["s3:ListBucket", *_BUCKET_READS], place)
    yield _allow("UseStore", objects, f"{place}/{prefix}/*" if prefix else f"{place}/*")
    if kms_key:
        yield _allow("EncryptStore", ["kms:Decrypt", "kms:GenerateDataKey"], "*") | {
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}
        }


def _bucket(wanted: RolesWanted) -> Iterator[Statement]:
    name, _ = wanted.bucket or ("", "")
    both = [f"arn:{PARTITION}:s3:::{name}", f"arn:{PARTITION}:s3:::{name}/*"]
    anybody = {"Principal": "*"}
    yield anybody | _deny("OnlyByTls", ["s3:*"], both, {"Bool": {"aws:SecureTransport": "false"}})
    if wanted.organization_id:
        # AWS services that act for the account, such as S3's own logging, are no principals of the organization.
        outside = {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": wanted.organization_id},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        }
        yield anybody | _deny("OnlyInTheOrganization", ["s3:*"], both, outside)
    yield anybody | _deny("NobodyDeletesVersions", ["s3:DeleteObjectVersion"], both, {})


def _protecting() -> tuple[Statement, ...]:
    ours = [f"{_ANY_IAM}{kind}{OUR_PATH}*" for kind in ("policy", "group")]
    roles = [f"{_ANY_IAM}{kind}{PATH}*" for kind in ("policy", "role")]
    writer = _but(f"{_ANY_IAM}role{PATH}{WRITER}")
    about_ours = {"ArnLike": {"iam:PolicyARN": ours[0]}}
    return (
        _deny("OnlyRolloutChangesItsPolicies", [*_CHANGES_OF_OURS], ours, writer),
        _deny("OnlyRolloutAttachesThem", [*_ATTACHES], ["*"], writer | about_ours),
        _deny("OnlyStackSetsChangeItsRoles", [*_CHANGES_OF_ROLES], roles, _but(_STACK_SETS)),
    )


_CHANGES_OF_OURS = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:CreateGroup", "iam:CreatePolicy"),
    *("iam:CreatePolicyVersion", "iam:DeleteGroup", "iam:DeleteGroupPolicy", "iam:DeletePolicy"),
    *("iam:DeletePolicyVersion", "iam:DetachGroupPolicy", "iam:PutGroupPolicy", "iam:RemoveUserFromGroup"),
    *("iam:SetDefaultPolicyVersion", "iam:TagPolicy", "iam:UntagPolicy", "iam:UpdateGroup"),
)
_ATTACHES = ("iam:AttachUserPolicy", "iam:DetachUserPolicy")
_CHANGES_OF_ROLES = (
    *("iam:AttachRolePolicy", "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:CreateRole"),
    *("iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary"),
    *("iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"),
    *("iam:SetDefaultPolicyVersion", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy"),
    *("iam:UpdateRole", "iam:UpdateRoleDescription"),
)


def _but(principal: str) -> dict[str, Any]:
    return {"ArnNotLike": {"aws:PrincipalArn": principal}}


def _backstop(wanted: RolesWanted) -> Statement:
    # As the policy itself, so that it closes nothing that the policy leaves open; only for users, and not for roles.
    condition = {**wanted.deny["Condition"], "ArnLike": {"aws:PrincipalArn": f"{_ANY_IAM}user/*"}}
    if wanted.spared:
        condition["ArnNotLike"] = {"aws:PrincipalArn": [*wanted.spared]}
    return {**wanted.deny, "Sid": "UsersNeedMfa", "Condition": condition}


def _actions(chosen: Iterable[bool]) -> list[str]:
    kept = (operation for operation, wanted in zip(OPERATIONS, chosen, strict=True) if wanted)
    return sorted({action for operation in kept for action in operation.actions})


def _named(names: Iterable[str]) -> list[str]:
    return sorted({action for name in names for action in operation_named("iam", name).actions})


def _allow(sid: str, actions: list[str], *resources: str) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": [*resources] or "*"}


def _deny(sid: str, actions: list[str], resources: list[str], condition: dict[str, Any]) -> Statement:
    denied = {"Sid": sid, "Effect": "Deny", "Action": actions, "Resource": resources}
    return denied | ({"Condition": condition} if condition else {})
