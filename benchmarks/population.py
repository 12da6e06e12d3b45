"""Makes the users of an account from a seed: the same of any account and number, and nothing is kept but a template.

There are some templates of an account. The texts of a template have `ACCOUNT` where the account's ID belongs, so that
the answer of an account is its template's with the ID put in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

ACCOUNT = "ACCOUNTIDHERE"
TEMPLATES = 8
"""Accounts differ in their users, documents and figures; every eighth is alike but for its ID."""

FIRST = (
    "ana ben chen dara eli fay gus hana ida jan kai lea mia noa ola pia quin rosa sam tea uma vic wei "
    "yara zoe"
).split()
LAST = (
    "adler brandt costa diaz eriksen fischer garcia haas ito jansen kowalski lopez meyer novak okafor perez"
).split()
SERVICES = (("s3", "eu-west-1"), ("ec2", "us-east-1"), ("sts", "eu-central-1"), ("ses", "us-west-2"))

Document = dict[str, Any]


def allow(*actions: str, resource: str | list[str] = "*") -> Document:
    """A document of one statement that allows."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


_SERVICES = (
    "acm athena autoscaling backup batch cloudformation cloudfront cloudtrail cloudwatch codebuild "
    "cognito-idp config dynamodb ec2 ecr ecs eks elasticache elasticloadbalancing events firehose glue "
    "guardduty iam kinesis kms lambda logs organizations rds redshift route53 s3 sagemaker secretsmanager "
    "securityhub sns sqs ssm states sts waf wafv2 xray"
).split()
_OWN_USER = "arn:aws:iam::*:user/${aws:username}"

AWS_MANAGED: dict[str, Document] = {
    "AdministratorAccess": allow("*"),
    # As long as AWS's own: hundreds of patterns.
    "ReadOnlyAccess": allow(
        *(f"{one}:{verb}*" for one in _SERVICES for verb in ("Describe", "Get", "List", "BatchGet"))
    ),
    "PowerUserAccess": {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["account:ListRegions", "iam:CreateServiceLinkedRole", "iam:ListRoles"],
                "Resource": "*",
            },
        ],
    },
    "IAMUserChangePassword": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["iam:ChangePassword"],
                "Resource": ["arn:aws:iam::*:user/${aws:username}"],
            },
            {"Effect": "Allow", "Action": ["iam:GetAccountPasswordPolicy"], "Resource": "*"},
        ],
    },
    "SecurityAudit": allow(*(f"{one}:{verb}*" for one in _SERVICES for verb in ("Describe", "List"))),
}
OWN_DEVICES: Document = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice", "iam:GetUser"],
            "Resource": [_OWN_USER],
        },
        {"Effect": "Allow", "Action": "iam:CreateVirtualMFADevice", "Resource": "arn:aws:iam::*:mfa/*"},
        {"Effect": "Allow", "Action": "iam:ListVirtualMFADevices", "Resource": "*"},
    ],
}
BOUNDARY: Document = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": ["organizations:*", "account:*", "iam:CreateUser"], "Resource": "*"},
    ],
}
OFFICE: Document = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "NotAction": ["iam:*", "sts:*", "s3:*", "support:*"],
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1", "us-east-1"]}
            },
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Key:
    """An access key of a user."""

    id: str
    active: bool
    created: datetime
    used: datetime | None
    service: str
    region: str


@dataclass(frozen=True, slots=True)
class Somebody:
    """A user of a template. `virtual` and `passkey` are the serial numbers of devices."""

    index: int
    name: str
    path: str
    created: datetime
    password_created: datetime | None
    password_used: datetime | None
    virtual: str
    passkey: str
    enabled: datetime
    keys: tuple[Key, ...]
    groups: tuple[str, ...]
    attached: tuple[str, ...]
    inline: tuple[tuple[str, Document], ...]
    boundary: str
    tags: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        return f"AIDA{ACCOUNT}{self.index:05d}"

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:user{self.path}{self.name}"

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.virtual, self.passkey)))


@dataclass(frozen=True, slots=True)
class Team:
    """A group of a template."""

    name: str
    attached: tuple[str, ...]
    inline: tuple[tuple[str, Document], ...] = ()

    @property
    def id(self) -> str:
        return f"AGPA{ACCOUNT}{sum(self.name.encode()):05d}"


@dataclass(frozen=True)
class Template:
    """An account's users, groups and policies, as of a day."""

    number: int
    size: int
    seed: int
    today: datetime

    @cached_property
    def policies(self) -> dict[str, Document]:
        """The policies in use, by ARN: AWS's, and the account's own, of which most name the account."""
        own = {f"arn:aws:iam::{ACCOUNT}:policy/{name}": document for name, document in self._own_policies()}
        return {f"arn:aws:iam::aws:policy/{name}": document for name, document in AWS_MANAGED.items()} | own

    def _own_policies(self) -> Iterator[tuple[str, Document]]:
        yield "ManageOwnDevices", OWN_DEVICES
        yield "Boundary", BOUNDARY
        for kind in range(6):
            resources = [
                f"arn:aws:s3:::team-{kind}-{ACCOUNT}/*",
                f"arn:aws:sqs:*:{ACCOUNT}:team-{self.number}-{kind}-*",
            ]
            yield (
                f"team-{kind}",
                allow("s3:GetObject", "s3:PutObject", f"sqs:*{kind}", "dynamodb:*", resource=resources),
            )

    @cached_property
    def groups(self) -> dict[str, Team]:
        """Everybody's, and those of some teams."""
        own, aws = f"arn:aws:iam::{ACCOUNT}:policy/", "arn:aws:iam::aws:policy/"
        teams = [Team("Everybody", (f"{own}ManageOwnDevices", f"{aws}IAMUserChangePassword"))]
        managed = ("ReadOnlyAccess", "PowerUserAccess", "SecurityAudit")
        teams += [
            Team(f"team-{kind}", (f"{own}team-{kind}", f"{aws}{managed[kind % 3]}")) for kind in range(6)
        ]
        teams.append(Team("admins", (f"{aws}AdministratorAccess",)))
        teams.append(
            Team("machines", (), (("queues", allow("sqs:*", resource=f"arn:aws:sqs:*:{ACCOUNT}:*")),))
        )
        return {team.name: team for team in teams}

    @cached_property
    def users(self) -> Sequence[Somebody]:
        """All users, sorted by name, as IAM lists them."""
        dice = Random(f"{self.seed}/{self.number}")
        return sorted((self._somebody(index, dice) for index in range(self.size)), key=lambda one: one.name)

    @cached_property
    def by_name(self) -> dict[str, Somebody]:
        return {one.name: one for one in self.users}

    @cached_property
    def by_key(self) -> dict[str, tuple[Somebody, Key]]:
        return {key.id: (one, key) for one in self.users for key in one.keys}

    def _somebody(self, index: int, dice: Random) -> Somebody:
        """Draw one: of a hundred, 82 are people, of whom a quarter has no device; 16 are machines, 2 have nothing."""
        drawn = dice.random()
        person, machine = drawn < 0.82, 0.82 <= drawn < 0.98
        has_device = person and dice.random() < 0.75
        of_keys = dice.random() < (0.4 if person else 1.0 if machine else 0.0)
        name = f"svc-{dice.choice(SERVICES)[0]}-{index:05d}" if machine else self._name(index, dice)
        created = self._ago(dice, 200, 1500)
        password = self._ago(dice, 10, 199) if person else None
        kind = ("passkey" if dice.random() < 0.12 else "virtual") if has_device else ""
        path = "/team/" if person and dice.random() < 0.15 else "/"
        own = f"arn:aws:iam::{ACCOUNT}:"
        groups = ["machines"] if machine else ["Everybody", f"team-{dice.randrange(6)}"] if person else []
        if person and dice.random() < 0.05:
            groups.append("admins")
        inline = []
        if dice.random() < 0.10:
            inline.append(
                (
                    "own",
                    allow("s3:GetObject", "s3:PutObject", resource=f"arn:aws:s3:::home-{ACCOUNT}/{name}/*"),
                )
            )
        attached = [f"{own}policy/team-{dice.randrange(6)}"] if dice.random() < 0.15 else []
        tags = [("email", f"{name}@example.com"), ("team", f"t{dice.randrange(20)}")] if person else []
        return Somebody(
            index,
            name,
            path,
            created,
            password,
            self._ago(dice, 0, 9) if person and dice.random() < 0.97 else None,
            f"{own}mfa/{name}" if kind == "virtual" else "",
            f"{own}u2f/user/{name}/key-{index:05d}" if kind == "passkey" else "",
            self._ago(dice, 10, 199),
            tuple(
                self._key(index, slot, dice) for slot in range(dice.choice((1, 1, 1, 2)) if of_keys else 0)
            ),
            tuple(groups),
            tuple(attached),
            tuple(inline),
            f"{own}policy/Boundary" if person and dice.random() < 0.05 else "",
            tuple(tags),
        )

    def _key(self, index: int, slot: int, dice: Random) -> Key:
        used = self._ago(dice, 0, 150) if dice.random() < 0.85 else None
        service, region = dice.choice(SERVICES)
        # The ID tells the account, as IDs of keys do: GetAccessKeyLastUsed is asked by it alone.
        key_id = f"AKIA{ACCOUNT}{_letters(2 * index + slot)}"
        return Key(key_id, dice.random() < 0.85, self._ago(dice, 30, 199), used, service, region)

    def _name(self, index: int, dice: Random) -> str:
        return f"{dice.choice(FIRST)}.{dice.choice(LAST)}{index:05d}"

    def _ago(self, dice: Random, least: int, most: int) -> datetime:
        return self.today - timedelta(days=dice.randint(least, most), minutes=dice.randrange(1440))


def _letters(number: int) -> str:
    """Four letters for a number below 26^4."""
    return "".join(chr(ord("A") + number // 26**place % 26) for place in (3, 2, 1, 0))


def text_of(document: Document) -> str:
    return json.dumps(document, separators=(",", ":"))
