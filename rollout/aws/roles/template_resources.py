"""What a template can hold, in words that CloudFormation and Terraform share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]

PARTITION, ACCOUNT, EXTERNAL_ID = "{partition}", "{account}", "{external-id}"
"""Within any text: what only whoever applies the template knows."""
PATH = "/rollout-access/"
"""Of our roles and their policies. Not `/rollout/`: a writing role may change every policy that is there."""


@dataclass(frozen=True, slots=True)
class RightsPolicy:
    """A managed policy that allows something; `key` names it within the template."""

    key: str
    name: str
    description: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class AccessRole:
    """A role with one policy, which is also its permissions boundary, so that nothing added later widens it."""

    key: str
    description: str
    rights: RightsPolicy
    trust: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class OrganizationPolicy:
    """A service control policy, for the roots, OUs or accounts that whoever applies the template names."""

    key: str
    name: str
    description: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class StoreBucket:
    """The bucket of a team's store: private, encrypted, with versions. `kms_key`: None for S3's own keys."""

    name: str
    kms_key: str | None
    statements: tuple[Statement, ...]


Resource = RightsPolicy | AccessRole | OrganizationPolicy | StoreBucket


@dataclass(frozen=True, slots=True)
class Part:
    """The resources that are applied together: `stem` of the file, and what to know before applying it, in lines."""

    stem: str
    preface: tuple[str, ...]
    resources: tuple[Resource, ...]


def document(statements: tuple[Statement, ...]) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
