"""Nobody is locked out: who could not enrol under ForceMFA is held, and what stands in the way is named.

See design.md#verdicts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.people.exemptions import UserMatch
from rollout.domain.people.observations import ManagedPolicy, PolicyVersion, Quotas
from rollout.domain.people.users import NamedPolicy
from rollout.domain.policy.force_mfa import PolicyAmendments, enrolment
from rollout.domain.policy.made import Made, tags_of
from tests.builders import ACCOUNT, a_user
from tests.domain.judging import (
    DOCUMENTS,
    EVERYTHING,
    LEFT_OPEN,
    NO_MFA,
    SEED_DOCUMENTS,
    SELF_SERVICE,
    Level,
    a_document,
    a_group,
    a_level,
    a_managed,
    a_person,
    allow,
    deny,
    deny_all_but,
    inline,
    ours_in_place,
    the_documents,
    the_rules,
)
from tests.domain.verdicts.rows import Row, check, covered, enforce, hold

OWN = f"arn:aws:iam::{ACCOUNT}:user/"
OFFICE = {"aws:SourceIp": "192.0.2.0/24"}
SEED = {"documents": SEED_DOCUMENTS}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/Boundary"
STEPS = LEFT_OPEN[:-1]


def under(*statements: Any, **more: Any):
    """Somebody who may enrol but for what these statements of an inline policy say."""
    return a_person(inline=(SELF_SERVICE, inline("X", *statements)), **more)


def bounded(*statements: Any, **more: Any) -> dict[str, Any]:
    return {"policies": (a_managed("Boundary", *statements),), **more}


def bare(**more: Any):
    """Somebody without a device and without any rights."""
    return a_person(mfa=None, inline=(), **more)


def level(*statements: Any) -> tuple[Level, ...]:
    """SCPs in which the level of the account says just this."""
    return (a_level(), (NamedPolicy("Guardrails", a_document(*statements)),))


HELP = ("no-mfa", "enrolment-policy")

ABLE = [
    enforce("no rights at all: ours bring what enrolling needs", bare(), "enrol", *HELP),
    enforce("rights to enrol already: no enrolment policy is needed", a_person(mfa=None), "enrol", "no-mfa"),
    enforce(
        "an administrator needs no help",
        a_person(mfa=None, inline=(inline("Admin", allow("*")),)),
        "enrol",
        "no-mfa",
    ),
    enforce(
        "whoever has a device needs no help, rights or none",
        a_person(inline=()),
        "none",
        "has-mfa",
    ),
    enforce(
        "who has but a passkey adds a device with it, so nothing is asked of enrolling without MFA",
        a_person(mfa="passkey", keys=1, inline=()),
        "passkey-only",
        "has-mfa",
        "keys-in-use",
        "passkey-only",
    ),
    enforce(
        "rights on mfa/${aws:username} alone are rights to enrol a device of that name",
        a_person(
            mfa=None,
            inline=(
                inline(
                    "Old",
                    allow("iam:CreateVirtualMFADevice", on="arn:aws:iam::*:mfa/${aws:username}"),
                    allow(*STEPS[1:]),
                ),
            ),
        ),
        "enrol",
        "no-mfa",
    ),
    enforce(
        "one step missing today is enough to need help",
        a_person(mfa=None, inline=(inline("Most", allow(*STEPS[:-1])),)),
        "enrol",
        *HELP,
    ),
    enforce(
        "rights that turn on where one is are not rights for sure: help comes first",
        a_person(mfa=None, inline=(inline("Office", allow("iam:*", when={"IpAddress": OFFICE})),)),
        "enrol",
        *HELP,
    ),
    enforce(
        "sts:GetSessionToken needs no permission: an Allow that turns on where one is matters not",
        a_person(inline=(inline("Office", allow("*", when={"IpAddress": OFFICE})),)),
        "none",
        "has-mfa",
    ),
    enforce(
        "a boundary that takes everything in",
        bare(boundary=BOUNDARY),
        "enrol",
        *HELP,
        account=bounded(allow("*")),
    ),
    enforce(
        "a boundary that takes just the steps in",
        bare(boundary=BOUNDARY),
        "enrol",
        *HELP,
        account=bounded(allow(*STEPS)),
    ),
    enforce(
        "SCPs that allow everything on every level",
        bare(),
        "enrol",
        *HELP,
        account={"scps": (a_level(), a_level(), a_level())},
    ),
    enforce(
        "an SCP that denies what enrolling does not need",
        bare(),
        "enrol",
        *HELP,
        account={"scps": (a_level(deny("organizations:LeaveOrganization", "iam:CreateUser")),)},
    ),
    enforce(
        "an SCP against users, but for those whom it spares",
        bare(),
        "enrol",
        *HELP,
        account={
            "scps": (a_level(deny("iam:*", when={"StringNotLike": {"aws:PrincipalArn": [f"{OWN}ali*"]}})),)
        },
    ),
    enforce(
        "without SCPs, as in the management account",
        bare(),
        "enrol",
        *HELP,
    ),
    enforce(
        "a Deny on enrolling that spares the office, where rules.context says that people enrol there",
        under(deny("iam:EnableMFADevice", when={"NotIpAddress": OFFICE}), mfa=None),
        "enrol",
        "no-mfa",
        rules={"context": {"aws:SourceIp": "192.0.2.7"}},
    ),
    enforce(
        "rules.context is case-insensitive in its keys",
        under(deny("iam:EnableMFADevice", when={"NotIpAddress": OFFICE}), mfa=None),
        "enrol",
        "no-mfa",
        rules={"context": {"AWS:sourceip": "192.0.2.7"}},
    ),
    enforce(
        "a Deny on users of another tag",
        under(deny("iam:*", when={"StringEquals": {"aws:PrincipalTag/kind": "robot"}}), mfa=None),
        "enrol",
        "no-mfa",
    ),
    enforce(
        "a Deny on bedrock's keys alone",
        bare(),
        "enrol",
        *HELP,
        account={"scps": (a_level(deny("iam:EnableMFADevice", on="arn:aws:iam::*:user/BedrockAPIKey-*")),)},
    ),
    enforce(
        "a Deny of codes for those who enrol a passkey of the wrong make spares TOTP",
        under(
            deny(
                "iam:EnableMFADevice",
                when={
                    "StringEquals": {"iam:RegisterSecurityKey": "Activate"},
                    "StringNotEquals": {"iam:FIDO-certification": "L2"},
                },
            ),
            mfa=None,
        ),
        "enrol",
        "no-mfa",
    ),
    enforce(
        "a user with a path, with pathed_users on",
        bare(path="/team/eu/"),
        "enrol",
        *HELP,
    ),
    enforce(
        "a user without a path, under variant: seed",
        bare(),
        "enrol",
        *HELP,
        rules=SEED,
    ),
    enforce(
        "a user with a path and rights of their own, under variant: seed",
        a_person(mfa=None, path="/team/"),
        "enrol",
        "no-mfa",
        rules=SEED,
    ),
    *(
        enforce(
            f"in partition {partition}",
            a_user(
                mfa=None,
                tags={"email": "a@example.com"},
                arn=f"arn:{partition}:iam::{ACCOUNT}:user/team/alice",
                path="/team/",
            ),
            "enrol",
            *HELP,
            rules={"partition": partition, "documents": the_documents(partition=partition)},
        )
        for partition in (
            "aws-us-gov",
            "aws-cn",
            "aws-iso",
            "aws-iso-b",
            "aws-iso-e",
            "aws-iso-f",
            "aws-eusc",
        )
    ),
]

# Each names the document, and the statement where there is one.
UNABLE = [
    *(
        hold(
            f"a boundary without {step}",
            bare(boundary=BOUNDARY, password=False, keys=1),
            "cannot-enrol",
            detail=f"{step} is not allowed by permissions boundary {BOUNDARY}",
            cure="correct the policy that the reason names",
            account=bounded(allow(*(other for other in STEPS if other != step))),
            rules={"enforce_machines": (UserMatch("email=alice@example.com"),)},
        )
        for step in STEPS
    ),
    hold(
        "AWS's own sample boundary, which knows passwords and keys and no MFA",
        bare(boundary=BOUNDARY),
        "cannot-enrol",
        detail=f"permissions boundary {BOUNDARY}",
        account=bounded(
            allow("s3:*", "cloudwatch:*", "ec2:*"),
            allow("iam:ChangePassword", "iam:*AccessKey*", on="arn:aws:iam::*:user/${aws:username}"),
        ),
    ),
    enforce(
        "a boundary holds nobody who has a device: AWS asks for MFA before a second one",
        a_person(boundary=BOUNDARY),
        "none",
        "has-mfa",
        account=bounded(allow("s3:*")),
    ),
    hold(
        "a boundary that denies IAM",
        bare(boundary=BOUNDARY),
        "cannot-enrol",
        detail=f"is denied by statement 2 in {BOUNDARY}",
        account=bounded(allow("*"), deny("iam:*")),
    ),
    hold(
        "an SCP that denies iam:*",
        bare(),
        "cannot-enrol",
        detail="is denied by statement 1 in SCP Guardrails",
        account={"scps": (a_level(), a_level(deny("iam:*")))},
    ),
    hold(
        "an SCP that denies IAM to users",
        bare(),
        "cannot-enrol",
        detail="SCP Guardrails",
        account={
            "scps": (a_level(deny("iam:*", when={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}})),)
        },
    ),
    hold(
        "an SCP against MFA on one's own",
        bare(),
        "cannot-enrol",
        detail="iam:EnableMFADevice is denied by statement 1 in SCP Guardrails",
        account={"scps": (a_level(deny("iam:EnableMFADevice")),)},
    ),
    hold(
        "a level of SCPs that allows s3 alone",
        bare(),
        "cannot-enrol",
        detail="is not allowed by SCPs of level 2",
        account={"scps": level(allow("s3:*"))},
    ),
    hold(
        "a level of SCPs from which everything was detached",
        bare(),
        "cannot-enrol",
        detail="is not allowed by SCPs of level 2",
        account={"scps": (a_level(), ())},
    ),
    hold(
        "a Deny in a policy of the user's own, by its Sid",
        under({**deny("iam:EnableMFADevice"), "Sid": "NoDevices"}, mfa=None),
        "cannot-enrol",
        detail="iam:EnableMFADevice is denied by NoDevices in inline policy X",
    ),
    hold(
        "a Deny in a group's policy",
        a_person(mfa=None, groups=("Staff",)),
        "cannot-enrol",
        detail="inline policy Y of group Staff",
        account={"groups": (a_group("Staff", inline=[inline("Y", deny("iam:*Device*"))]),)},
    ),
    hold(
        "a Deny without MFA that leaves fewer steps open than ours",
        under(deny("iam:ResyncMFADevice", "iam:ListMFADevices", when=NO_MFA), mfa=None),
        "cannot-enrol",
        detail="iam:ListMFADevices is denied",
    ),
    hold(
        "a Deny with the flag false alone: who signs in at the console could not enrol",
        under(deny("iam:EnableMFADevice", when={"Bool": {"aws:MultiFactorAuthPresent": "false"}}), mfa=None),
        "cannot-enrol",
    ),
    hold(
        "a Deny with the flag missing alone: who has but keys could not enrol",
        under(
            deny("iam:EnableMFADevice", when={"Null": {"aws:MultiFactorAuthPresent": "true"}}),
            mfa=None,
            password=False,
            keys=1,
        ),
        "machine",
        "cannot-enrol",
    ),
    enforce(
        "a Deny with the flag missing alone: a password opens the console, where the flag is there",
        under(deny("iam:EnableMFADevice", when={"Null": {"aws:MultiFactorAuthPresent": "true"}}), mfa=None),
        "enrol",
        "no-mfa",
    ),
    hold(
        "a Deny on every device name",
        under(
            deny("iam:CreateVirtualMFADevice", on="arn:aws:iam::*:mfa/*"), mfa=None, password=False, keys=1
        ),
        "machine",
        "cannot-enrol",
        detail="iam:CreateVirtualMFADevice is denied",
    ),
    enforce(
        "a Deny on the device of one's own name leaves others",
        under(deny("iam:CreateVirtualMFADevice", on="arn:aws:iam::*:mfa/${aws:username}"), mfa=None),
        "enrol",
        "no-mfa",
    ),
    hold(
        "an explicit Deny of sts:GetSessionToken: a device would not help on the CLI",
        under(deny("sts:GetSessionToken"), mfa=None),
        "cannot-enrol",
        detail="sts:GetSessionToken is denied",
    ),
    hold(
        "certified passkeys alone: TOTP is refused, for its requests say nothing of a passkey",
        under(
            {
                **deny(
                    "iam:EnableMFADevice",
                    when={"StringNotEquals": {"iam:FIDO-certification": ["L1", "L1plus", "L2"]}},
                ),
                "Sid": "CertifiedOnly",
            },
            mfa=None,
        ),
        "cannot-enrol",
        detail="iam:EnableMFADevice is denied by CertifiedOnly",
    ),
    enforce(
        "passkeys alone, by iam:RegisterSecurityKey",
        under(deny("iam:EnableMFADevice", when={"Null": {"iam:RegisterSecurityKey": "true"}}), mfa=None),
        "enrol",
        "no-mfa",
        "passkey-way",
    ),
    hold(
        "a user with a path under variant: seed, which is told why",
        bare(path="/team/eu/"),
        "cannot-enrol",
        detail="path /team/eu/",
        rules=SEED,
    ),
    hold(
        "pathed_users off",
        bare(path="/team/"),
        "cannot-enrol",
        detail="pathed_users",
        rules={"documents": the_documents(PolicyAmendments(pathed_users=False))},
    ),
    hold(
        "another partition's documents",
        bare(),
        "cannot-enrol",
        rules={"documents": the_documents(partition="aws-cn")},
    ),
]

UNREADABLE: dict[str, Any] = {
    "is no JSON": "%7Bnot json",
    "is empty": "",
    "is a list": "[]",
    "has no statements": {"Version": "2012-10-17"},
    "has an unknown operator": a_document(deny("*", when={"StringResembles": {"aws:username": "a"}})),
    "has no effect": a_document({"Action": "*", "Resource": "*"}),
    "has a principal": a_document({**deny("*"), "Principal": "*"}),
    "has a Version of the future": a_document(allow("*"), version="2031-01-01"),
}

UNDECIDED = [
    hold(
        "a Deny that spares the office",
        under(deny("iam:EnableMFADevice", when={"NotIpAddress": OFFICE}), mfa=None),
        "unknown",
        detail="iam:EnableMFADevice depends on aws:SourceIp, which cannot be known in advance",
        cure="rules.context",
    ),
    hold(
        "an SCP that spares the office",
        bare(),
        "unknown",
        detail="aws:SourceIp",
        account={"scps": (a_level(deny("*", when={"NotIpAddress": OFFICE})),)},
    ),
    hold(
        "a Deny outside a private network",
        under(deny("*", when={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), mfa=None),
        "unknown",
        detail="aws:SourceVpce",
    ),
    hold(
        "a Deny of old sessions' tokens",
        under(deny("*", when={"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}), mfa=None),
        "unknown",
        detail="aws:TokenIssueTime",
    ),
    hold(
        "a Deny of sts:GetSessionToken that spares the office",
        under(deny("sts:GetSessionToken", when={"NotIpAddress": OFFICE}), mfa=None),
        "unknown",
        detail="sts:GetSessionToken depends on aws:SourceIp",
    ),
    hold(
        "where rules.context says that people are elsewhere, they cannot",
        under(deny("iam:EnableMFADevice", when={"NotIpAddress": OFFICE}), mfa=None),
        "cannot-enrol",
        rules={"context": {"aws:SourceIp": "198.51.100.1"}},
    ),
    hold(
        "rules.context cannot say that there is MFA",
        under(deny("iam:EnableMFADevice", when=NO_MFA), mfa=None),
        "cannot-enrol",
        rules={"context": {"aws:MultiFactorAuthPresent": "true", "aws:multifactorauthage": "5"}},
    ),
    hold(
        "both a refusal and a doubt: the refusal is certain",
        under(deny("iam:GetUser"), deny("iam:EnableMFADevice", when={"NotIpAddress": OFFICE}), mfa=None),
        "cannot-enrol",
        detail="iam:GetUser is denied",
    ),
    *(
        hold(
            f"a policy document that {what}",
            a_person(inline=(SELF_SERVICE, NamedPolicy("Odd", document)), mfa=None),
            "unknown",
            detail="depends on inline policy Odd, which cannot be known in advance",
        )
        for what, document in UNREADABLE.items()
    ),
    hold(
        "a policy that hangs on the user and was not read",
        a_person(attached=(f"arn:aws:iam::{ACCOUNT}:policy/Unread",), mfa=None),
        "unknown",
        detail=f"depends on arn:aws:iam::{ACCOUNT}:policy/Unread",
    ),
    hold(
        "a group that was not read",
        a_person(groups=("Staff",), mfa=None),
        "unknown",
        detail="depends on group Staff",
    ),
    hold(
        "a boundary that was not read",
        a_person(boundary=BOUNDARY, mfa=None),
        "unknown",
        detail=f"depends on {BOUNDARY}",
    ),
    hold(
        "an SCP whose text cannot be read",
        a_person(mfa=None),
        "unknown",
        detail="depends on SCP Odd",
        account={"scps": ((NamedPolicy("Full", EVERYTHING), NamedPolicy("Odd", "{")),)},
    ),
    hold(
        "SCPs unread, and a Deny that stands all the same",
        under(deny("iam:EnableMFADevice"), mfa=None),
        "unknown",
        "cannot-enrol",
        account={"scps": None},
    ),
    enforce(
        "in the management account SCPs are not needed, and so not missed",
        a_person(account_id="999988887777"),
        "none",
        "has-mfa",
        account={"scps": None},
    ),
]


def groups(count: int) -> dict[str, Any]:
    return {"groups": tuple(f"g{number}" for number in range(count))}


def policies(count: int) -> dict[str, Any]:
    return {"attached": tuple(a_managed(f"p{number}").arn for number in range(count))}


def hanging(count_groups: int = 0, count_policies: int = 0, **more: Any) -> dict[str, Any]:
    """The groups and policies that `groups` and `policies` name, all of them empty."""
    found = (a_managed(f"p{number}", allow("s3:*")) for number in range(count_policies))
    made = (a_group(f"g{number}") for number in range(count_groups))
    return {
        "groups": (*made, *more.pop("groups", ())),
        "policies": (*found, *more.pop("policies", ())),
        **more,
    }


FOREIGN = a_managed("ForceMFA", raw=DOCUMENTS.full)
OTHERS = replace(
    a_managed("ForceMFA", raw=DOCUMENTS.full, path="/rollout/"), tags=tags_of("1.0.0", "run-1", "k3f9")
)

SLOTS = [
    enforce("nine groups leave one", a_person(**groups(9)), "none", "has-mfa", account=hanging(9)),
    enforce(
        "ten groups: to the user itself",
        a_person(**groups(10)),
        "none",
        "has-mfa",
        attachment="user",
        account=hanging(10),
    ),
    hold(
        "ten groups and ten policies: nowhere",
        a_person(**groups(10), **policies(10)),
        "no-slot",
        detail="the user is in 10 of 10 groups; 10 of 10 policies are attached to the user",
        cure="free a group or policy slot",
        account=hanging(10, 10),
    ),
    enforce(
        "ten groups and nine policies: the last slot",
        a_person(**groups(10), **policies(9)),
        "none",
        "has-mfa",
        attachment="user",
        account=hanging(10, 9),
    ),
    enforce(
        "ten policies matter not where a group takes one",
        a_person(**groups(9), **policies(10)),
        "none",
        "has-mfa",
        account=hanging(9, 10),
    ),
    enforce(
        "the enrolment policy takes a slot too: nine groups are too many for both",
        bare(**groups(9)),
        "enrol",
        *HELP,
        attachment="user",
        account=hanging(9),
    ),
    enforce("eight groups leave room for both", bare(**groups(8)), "enrol", *HELP, account=hanging(8)),
    hold(
        "nine groups and nine policies have no room for both",
        bare(**groups(9), **policies(9)),
        "no-slot",
        account=hanging(9, 9),
    ),
    enforce(
        "nine groups and eight policies have",
        bare(**groups(9), **policies(8)),
        "enrol",
        *HELP,
        attachment="user",
        account=hanging(9, 8),
    ),
    enforce(
        "quotas are live: twenty policies where the account was granted them",
        a_person(**groups(10), **policies(19)),
        "none",
        "has-mfa",
        attachment="user",
        account=hanging(10, 19, quotas=Quotas(policies_per_user=20)),
    ),
    enforce(
        "attach: user, though groups are free",
        a_person(),
        "none",
        "has-mfa",
        attachment="user",
        rules={"attach": "user"},
    ),
    hold(
        "attach: user and ten policies: groups are not asked",
        a_person(**policies(10)),
        "no-slot",
        rules={"attach": "user"},
        account=hanging(0, 10),
    ),
    enforce(
        "who is in our group already takes no other slot",
        a_person(groups=(*groups(9)["groups"], "ForceMFA")),
        "none",
        "has-mfa",
        account=hanging(9, **ours_in_place()),
        enforced_by="ForceMFA (group ForceMFA)",
    ),
    enforce(
        "who has our policy already takes no other slot",
        a_person(
            attached=(*policies(9)["attached"], f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"),
            **groups(10),
        ),
        "none",
        "has-mfa",
        attachment="user",
        account=hanging(10, 9, **ours_in_place()),
        enforced_by="ForceMFA (attached to the user)",
    ),
    enforce(
        "an account that can make no more groups: to the user itself",
        a_person(),
        "none",
        "has-mfa",
        attachment="user",
        account={"quotas": Quotas(groups_left=0)},
    ),
    enforce(
        "an account that can make no more groups, and has ours",
        a_person(),
        "none",
        "has-mfa",
        account={**ours_in_place(), "quotas": Quotas(groups_left=0)},
    ),
    enforce(
        "an account that can make one more group, where two are needed",
        bare(),
        "enrol",
        *HELP,
        attachment="user",
        account={"quotas": Quotas(groups_left=1)},
    ),
    hold(
        "an account that can make no more policies",
        a_person(),
        "no-slot",
        detail="quota of policies is used up",
        account={"quotas": Quotas(policies_left=0)},
    ),
    hold(
        "an account that can make one more policy, where two are needed",
        bare(),
        "no-slot",
        account={"quotas": Quotas(policies_left=1)},
    ),
    enforce(
        "an account that can make no more policies, and has ours",
        a_person(),
        "none",
        "has-mfa",
        account={**ours_in_place(), "quotas": Quotas(policies_left=0)},
    ),
]

CLASHES = [
    hold(
        "a policy of our name and another meaning, though nobody has it",
        a_person(),
        "name-clash",
        detail=f"arn:aws:iam::{ACCOUNT}:policy/team/forcemfa",
        account={"policies": (a_managed("forcemfa", allow("s3:*"), path="/team/"),)},
    ),
    enforce(
        "AWS's own policies are no namesakes",
        a_person(),
        "none",
        "has-mfa",
        account={
            "policies": (
                ManagedPolicy(
                    "arn:aws:iam::aws:policy/ForceMFA",
                    "ForceMFA",
                    "/",
                    (PolicyVersion("v1", EVERYTHING, is_default=True),),
                ),
            )
        },
    ),
    hold(
        "a foreign policy of our meaning is never attached",
        a_person(),
        "name-clash",
        detail=FOREIGN.arn,
        account={"policies": (FOREIGN,)},
    ),
    hold(
        "a policy that another store made",
        a_person(),
        "other-store",
        detail="was made by plan k3f9 from another store",
        account={"policies": (OTHERS,), "made": Made()},
    ),
    hold(
        "a group of our name at another path",
        a_person(),
        "name-clash",
        detail="already has a group ForceMFA that does not belong to rollout",
        account={"groups": (a_group("ForceMFA"),)},
    ),
    hold(
        "a group of our name in other letters",
        a_person(),
        "name-clash",
        account={"groups": (a_group("FORCEmfa"),)},
    ),
    hold(
        "a group of our name and path with a policy of its own",
        a_person(),
        "name-clash",
        account={"groups": (a_group("ForceMFA", path="/rollout/", inline=[inline("Y", allow("s3:*"))]),)},
    ),
    hold(
        "a group of our name and path whose members nobody knows",
        a_person(groups=("ForceMFA",)),
        "name-clash",
        account={"groups": (a_group("ForceMFA", path="/rollout/"),)},
    ),
    hold(
        "a group of our name and path, empty, that the journal does not know",
        a_person(),
        "name-clash",
        account={"groups": (a_group("ForceMFA", path="/rollout/"),)},
    ),
    enforce(
        "a foreign group matters not with attach: user",
        a_person(),
        "none",
        "has-mfa",
        attachment="user",
        rules={"attach": "user"},
        account={"groups": (a_group("ForceMFA"),)},
    ),
    enforce(
        "a foreign enrolment group matters not where no help is needed",
        a_person(),
        "none",
        "has-mfa",
        account={"groups": (a_group("ForceMFAEnrolment"),)},
    ),
    hold(
        "a foreign enrolment group, named, where help is needed",
        bare(),
        "name-clash",
        detail="already has a group ForceMFAEnrolment that does not belong to rollout",
        account={"groups": (a_group("ForceMFAEnrolment"),)},
    ),
    hold(
        "a foreign enrolment policy of another meaning where help is needed",
        bare(),
        "name-clash",
        detail="ForceMFAEnrolment",
        account={"policies": (a_managed("ForceMFAEnrolment", allow("*")),)},
    ),
    hold(
        "a foreign enrolment policy of the same meaning where help is needed",
        bare(),
        "name-clash",
        detail="ForceMFAEnrolment",
        account={"policies": (a_managed("ForceMFAEnrolment", raw=enrolment("aws")),)},
    ),
]

# A foreign policy of our meaning that somebody attached to our own group covers like any other.
FOREIGN_ON_OURS: dict[str, Any] = {
    "policies": (FOREIGN,),
    "groups": (a_group("ForceMFA", FOREIGN.arn, path="/rollout/"),),
    "ours": {"ForceMFA"},
}
BORROWED = [
    covered(
        "a foreign policy of our meaning on our own group",
        a_person(groups=("ForceMFA",)),
        FOREIGN.arn,
        account=FOREIGN_ON_OURS,
    ),
    hold(
        "and whoever it does not reach is held",
        a_person(),
        "name-clash",
        account=FOREIGN_ON_OURS,
    ),
    covered(
        "the same policy on the user itself is somebody else's doing",
        a_person(attached=(FOREIGN.arn,)),
        FOREIGN.arn,
        account=FOREIGN_ON_OURS,
    ),
]

# What of ours is altered enforces only if it still denies (a report must show the truth).
ALTERED = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"


def with_default(document: Any) -> dict[str, Any]:
    found = ManagedPolicy(
        ALTERED,
        "ForceMFA",
        "/rollout/",
        (
            PolicyVersion("v1", DOCUMENTS.brake, is_default=False),
            PolicyVersion("v2", DOCUMENTS.full, is_default=False),
            PolicyVersion("v3", document, is_default=True),
        ),
    )
    return {
        "policies": (found,),
        "groups": (a_group("ForceMFA", ALTERED, path="/rollout/"),),
        "ours": {"ForceMFA"},
    }


TAMPERED = [
    enforce(
        "an older text of ours still enforces",
        a_person(groups=("ForceMFA",)),
        "none",
        "has-mfa",
        account=with_default(SEED_DOCUMENTS.full),
        enforced_by="ForceMFA (group ForceMFA)",
    ),
    *(
        enforce(
            f"our policy, whose text now {what}, enforces nothing",
            a_person(groups=("ForceMFA",)),
            "none",
            "has-mfa",
            account=with_default(document),
        )
        for what, document in {
            "uses Bool": a_document(
                deny_all_but(*LEFT_OPEN, when={"Bool": {"aws:MultiFactorAuthPresent": "false"}})
            ),
            "denies little": a_document(deny("s3:*", when=NO_MFA)),
            "allows everything": EVERYTHING,
            "is our older Allow half": SEED_DOCUMENTS.brake,
            "cannot be read": "{",
        }.items()
    ),
]


@pytest.mark.parametrize(
    "row",
    [*ABLE, *UNABLE, *UNDECIDED, *SLOTS, *CLASHES, *BORROWED, *TAMPERED],
    ids=lambda row: row.says,
)
def test_is_judged_as_the_row_says(row: Row):
    check(row)


def test_the_matrix_shows_every_question_with_its_answer():
    rows = the_matrix = hold("", under(deny("iam:EnableMFADevice"), mfa=None), "cannot-enrol").judged().matrix
    assert {"cover", "enrol", "passkey", "aws-login"} == {row.question for row in rows}
    refused = [row for row in the_matrix if row.decision == "ExplicitlyDenied" and row.question == "enrol"]
    assert ["iam:EnableMFADevice"] * 2 == [row.action for row in refused]
    assert {"absent", "false"} == {row.mfa for row in refused}
    assert {"statement 1 in inline policy X"} == {row.because for row in refused}


def test_the_rules_are_the_defaults_of_the_documents():
    assert the_rules().documents == DOCUMENTS
