"""The organization of the kill test: accounts × users of every kind, and things under our names from before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rollout.domain.policy.force_mfa import PolicyAmendments, force_mfa
from rollout.wiring.seed_policy import seed

Facts = dict[str, Any]

INSTANCE = "kill"
"""What all ids follow from: two servers of one description are equal organizations."""

GUILDS = [f"guild-{number:02d}" for number in range(10)]
PASSWORD = {"created": "400d ago", "used": "2d ago"}
KEY = {"created": "200d ago", "used": "1d ago"}
TOTP, PASSKEY = {"kind": "totp", "enabled": "300d ago"}, {"kind": "passkey", "enabled": "90d ago"}
SEVERAL: tuple[Facts, ...] = (
    {"keys": [KEY]},  # a machine: held
    {"password": PASSWORD, "devices": [TOTP], "tags": {"rollout:exempt": "yes"}},
    {"password": PASSWORD},  # has no device, and can enrol one
    {"password": PASSWORD, "groups": ["Contractors"]},  # cannot enrol without our help
    {"password": PASSWORD, "devices": [TOTP], "keys": [KEY], "groups": GUILDS},  # no room in a group
    {},  # nothing to sign in with
    {"password": PASSWORD, "devices": [PASSKEY], "keys": [KEY]},
)
MANY: tuple[Facts, ...] = (
    {"password": PASSWORD, "devices": [TOTP]},
    {"password": PASSWORD, "devices": [TOTP], "keys": [KEY]},
)
ROUND = 25
"""So many users, then the several kinds come again."""

SETTINGS = """\
version: 1
access: {roles: [OrganizationAccountAccessRole]}
exemptions:
  - {user: "rollout:exempt=yes", owner: kill@example.com, reason: "left alone, whatever dies", expires: 2027-03-31}
# What fails in bad weather is tried again; here no budget is to end it.
gates: {lead_time: 0d, soak: 0d, failure_tolerance: {count: 100000, percent: 100}}
notify: {channel: outbox, outbox: outbox, outbox_counts: true, zone: UTC, find: [{tag: email}]}
"""


@dataclass(frozen=True)
class Size:
    """So many accounts with so many users each; three small ones, in which nobody moves, come on top."""

    accounts: int
    users: int
    waves: int = 2


def settings(organization: str, waves: int) -> str:
    """Write the settings; of several waves all but the last take a tenth."""
    tenths = [f"  - {{name: wave-{number}, percent: 10}}" for number in range(1, waves)]
    lines = [f"organization: {organization}", SETTINGS + "waves:", *tenths, "  - {name: last}", ""]
    return "\n".join(lines)


def describe(size: Size, path: Path) -> None:
    """Write the description of the organization to a file; JSON is YAML too."""
    path.write_text(json.dumps(_description(size)), encoding="utf-8")


def _description(size: Size) -> Facts:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    return {
        "operator": "operator",
        "management": {
            "id": "111122223333",
            "name": "management",
            "joined": "900d ago",
            "users": [
                {
                    "name": "operator",
                    "created": "500d ago",
                    "policies": ["AdministratorAccess"],
                    "keys": [KEY],
                }
            ],
        },
        "members": [*(_account(number, size.users) for number in range(size.accounts)), *_clashing()],
        "aws_managed_policies": {"AdministratorAccess": {"document": everything}},
        # The same meaning under our name by another hand: it covers who has it, and is never used nor touched.
        "customer_managed_policies": {
            "ForceMFA": {"path": "/security/", "document": force_mfa(seed(), "aws", PolicyAmendments())},
            "ManageYourself": {"document": _own_devices()},
        },
    }


def _account(number: int, users: int) -> Facts:
    groups: list[Facts] = [{"name": name} for name in (*GUILDS, "Contractors")]
    groups.append({"name": "Everyone", "policies": ["ManageYourself"]})
    account: Facts = {
        "id": f"{number + 1:012d}",
        "name": f"account-{number:02d}",
        "joined": "900d ago",
        "roles": [{"name": "OrganizationAccountAccessRole"}],
        "groups": groups,
        "users": list(_users(number, users)),
    }
    return account


def _users(account: int, count: int) -> Iterator[Facts]:
    for number in range(count):
        place = number % ROUND
        kind = SEVERAL[place] if place < len(SEVERAL) else MANY[place % len(MANY)]
        name = f"user-{account:02d}-{number:02d}"
        yield {"created": "500d ago", "email": "auto", "groups": ["Everyone"], **kind, "name": name}


def _clashing() -> Iterator[Facts]:
    """Accounts in which somebody else's group or policy has our name: nobody moves there."""
    things: tuple[Facts, ...] = (
        {"groups": [{"name": "ForceMFA", "path": "/theirs/"}, {"name": "Everyone"}]},
        {"groups": [{"name": "ForceMFA", "path": "/rollout/"}, {"name": "Everyone"}]},
        {"groups": [{"name": "ForceMFA-not"}, {"name": "Everyone"}], "policies": ["ForceMFA"]},
    )
    for number, there in enumerate(things):
        held: Facts = {
            **MANY[0],
            "name": "held",
            "created": "500d ago",
            "groups": [there["groups"][0]["name"]],
        }
        covered: Facts = {**MANY[0], "name": "covered", "created": "400d ago", "policies": ["ForceMFA"]}
        yield {
            "id": f"99990000111{number + 1}",
            "name": f"clash-{number}",
            "joined": "900d ago",
            "roles": [{"name": "OrganizationAccountAccessRole"}],
            "users": [held, *([covered] if "policies" in there else [])],
            **there,
        }


def _own_devices() -> Facts:
    own = ["arn:aws:iam::*:user/${aws:username}"]
    devices = ["iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice", "iam:GetUser"]
    statements = [
        {"Effect": "Allow", "Action": devices, "Resource": own},
        {"Effect": "Allow", "Action": "iam:CreateVirtualMFADevice", "Resource": "arn:aws:iam::*:mfa/*"},
        {"Effect": "Allow", "Action": "iam:ListVirtualMFADevices", "Resource": "*"},
    ]
    return {"Version": "2012-10-17", "Statement": statements}
