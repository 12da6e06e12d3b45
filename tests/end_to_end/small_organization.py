"""An organization of a management account and one member account with a few people: a story in it takes a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell

MANAGEMENT, MEMBER = "111122223333", "444455556666"
PEOPLE = ("ana", "ben", "cleo")
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

SETTINGS = """\
version: 1
gates: {lead_time: 0d, soak: 0d, failure_tolerance: {count: 1000, percent: 100}}
notify: {channel: outbox, outbox: outbox/, outbox_counts: true, zone: UTC, find: [{tag: email}]}
waves: [{name: everybody}]
"""

Facts = dict[str, Any]
PASSWORD = {"created": "400d ago", "used": "2d ago"}
DEVICE = {"kind": "totp", "enabled": "300d ago"}


def describe(path: Path) -> Path:
    """Write the description of the organization to a file; JSON is YAML too."""
    path.write_text(json.dumps(a_description([_person(name) for name in PEOPLE])), encoding="utf-8")
    return path


def with_settings(folder: Path, sandbox: Sandbox, more: str = "") -> Shell:
    """A folder with settings for this organization, and nothing done in it yet."""
    folder.mkdir(exist_ok=True)
    organization = f"organization: {sandbox.organization_id}\n"
    (folder / "rollout.yaml").write_text(organization + SETTINGS + more)
    return Shell(folder, sandbox.environment())


def a_description(people: list[Facts]) -> Facts:
    """Describe an organization in whose one member account these people are."""
    operator = {
        "name": "operator",
        "created": "500d ago",
        "policies": ["AdministratorAccess"],
        "keys": [{"created": "200d ago", "used": "1d ago"}],
    }
    return {
        "operator": "operator",
        "management": {
            "id": MANAGEMENT,
            "name": "management",
            "joined": "900d ago",
            "users": [operator, _person("mia")],
        },
        "members": [
            {
                "id": MEMBER,
                "name": "member",
                "joined": "900d ago",
                "roles": [{"name": "OrganizationAccountAccessRole"}],
                "users": people,
            }
        ],
        "aws_managed_policies": {"AdministratorAccess": {"document": ANYTHING}},
        "customer_managed_policies": {},
    }


def _person(name: str) -> Facts:
    return {
        "name": name,
        "created": "500d ago",
        "email": "auto",
        "password": PASSWORD,
        "devices": [DEVICE],
    }
