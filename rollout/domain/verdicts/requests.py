"""The requests whose answers decide a verdict: can this user enrol, and is everything else denied without MFA?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.iam import Allowed, Context, Decision, Policies, Request, evaluate
from rollout.domain.users import User

ENROLMENT = (
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:ListMFADevices",
    "iam:ResyncMFADevice",
    "iam:GetUser",
    "iam:ListVirtualMFADevices",
)
SESSION_TOKEN = "sts:GetSessionToken"  # noqa: S105 - an action's name

# What a request carries that nobody can know beforehand; `rules.context` may supply any of it.
UNKNOWABLE = (
    "aws:SourceIp",
    "aws:VpcSourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:SourceVpcArn",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:UserAgent",
    "aws:Referer",
    "aws:TokenIssueTime",
    "aws:PrincipalOrgPaths",
    "aws:ResourceOrgPaths",
    "aws:SignInSessionArn",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its answer; `mfa` is the state of `aws:MultiFactorAuthPresent`: `absent` or `false`."""

    action: str
    resource: str
    mfa: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class World:
    """What is known of the surroundings of every request of a user."""

    partition: str
    organization_id: str
    management_account_id: str
    now: datetime
    context: Mapping[str, str | tuple[str, ...]]

    def contexts(self, user: User, resource: str) -> Iterator[tuple[str, Context]]:
        """Build the two contexts without MFA: long-term keys (absent) and a plain console session (false)."""
        values = self._known(user)
        unknown = [key for key in UNKNOWABLE if key.casefold() not in values]
        if resource == user.arn:
            # The user is the resource too, so its own tags are the resource's.
            for key, value in user.tags.items():
                values[f"aws:resourcetag/{key.casefold()}"] = values[f"iam:resourcetag/{key.casefold()}"] = (
                    value
                )
        elif resource != "*" and ":mfa/" not in resource:
            unknown += ["aws:ResourceTag/*", "iam:ResourceTag/*"]
        yield "absent", Context(values, unknown)
        yield "false", Context(values | {"aws:multifactorauthpresent": "false"}, unknown)

    def _known(self, user: User) -> dict[str, str | tuple[str, ...]]:
        values: dict[str, str | tuple[str, ...]] = {
            f"aws:principaltag/{key.casefold()}": value for key, value in user.tags.items()
        }
        values |= {
            "aws:userid": user.id,
            "aws:securetransport": "true",
            "aws:viaawsservice": "false",
            "aws:principalisawsservice": "false",
            "aws:requestedregion": home_region(self.partition),
            "aws:currenttime": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:epochtime": str(int(self.now.timestamp())),
            "aws:resourceaccount": user.account_id,
        }
        if self.organization_id:
            values["aws:principalorgid"] = values["aws:resourceorgid"] = self.organization_id
        return values | {key.casefold(): value for key, value in self.context.items()}


def enrolment_answers(user: User, policies: Policies, world: World) -> Iterator[Asked]:
    """Ask every step of enrolling a virtual device (AWS-FACTS §14), as the user, without MFA.

    `sts:GetSessionToken` needs no permission; it is asked for the sake of explicit Denies alone.
    """
    for action in (*ENROLMENT, SESSION_TOKEN):
        yield from _best(action, _enrolment_resources(action, user, world.partition), user, policies, world)


def denial_answers(user: User, policies: Policies, world: World) -> Iterator[Asked]:
    """Ask the probes of "is everything denied without MFA" (DESIGN §4), one by one."""
    for action, resource in probes(user, world.partition):
        for mfa, context in world.contexts(user, resource):
            yield _ask(action, resource, user, policies, mfa, context)


def probes(user: User, partition: str) -> Iterable[tuple[str, str]]:
    """The probes: two plain reads, a made-up service, and the ways to more rights."""
    other = f"arn:{partition}:iam::{user.account_id}:user/rollout-probe/somebody-else"
    return (
        ("s3:ListAllMyBuckets", "*"),
        ("ec2:DescribeInstances", "*"),
        ("madeup:DoAnything", f"arn:{partition}:madeup:{home_region(partition)}:{user.account_id}:thing/any"),
        ("sts:AssumeRole", f"arn:{partition}:iam::{user.account_id}:role/rollout-probe"),
        ("iam:CreateUser", other),
        ("iam:AttachUserPolicy", other),
        ("iam:CreateAccessKey", other),
    )


def home_region(partition: str) -> str:
    """Where IAM of a partition is at home (AWS-FACTS §9)."""
    homes = {
        "aws-us-gov": "us-gov-west-1",
        "aws-cn": "cn-north-1",
        "aws-iso": "us-iso-east-1",
        "aws-iso-b": "us-isob-east-1",
        "aws-iso-e": "eu-isoe-west-1",
        "aws-iso-f": "us-isof-south-1",
        "aws-eusc": "eusc-de-east-1",
    }
    return homes.get(partition, "us-east-1")


def _enrolment_resources(action: str, user: User, partition: str) -> tuple[str, ...]:
    if action == "iam:CreateVirtualMFADevice":
        # Any device name will do: the user's own name is the custom, but one free name is enough.
        prefix = f"arn:{partition}:iam::{user.account_id}:mfa/"
        return (f"{prefix}{user.name}", f"{prefix}rollout-probe")
    return ("*",) if action in ("iam:ListVirtualMFADevices", SESSION_TOKEN) else (user.arn,)


def _best(
    action: str, resources: tuple[str, ...], user: User, policies: Policies, world: World
) -> Iterator[Asked]:
    for mfa in ("absent", "false"):
        answers: list[Asked] = []
        for resource in resources:
            context = dict(world.contexts(user, resource))[mfa]
            answers.append(_ask(action, resource, user, policies, mfa, context))
            if isinstance(answers[-1].decision, Allowed):
                break
        yield next(
            (answer for answer in reversed(answers) if isinstance(answer.decision, Allowed)), answers[0]
        )


def _ask(action: str, resource: str, user: User, policies: Policies, mfa: str, context: Context) -> Asked:
    decision = evaluate(policies, Request(action, resource, user.arn, context))
    return Asked(action, resource, mfa, decision)
