"""Tells how the brake of a policy stands, and which of its versions deny nothing (design.md#policy-documents)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rollout.domain.iam import parse_document
from rollout.domain.people.observations import ManagedPolicy, PolicyVersion


class Brake(StrEnum):
    """What the policy of an account does to those who are attached to it."""

    ABSENT = "absent"
    OFF = "off"
    PULLED = "pulled"


def brake_of(policy: ManagedPolicy | None) -> Brake:
    """Tell how the brake of a policy stands: pulled when the version in force denies nothing."""
    if policy is None:
        return Brake.ABSENT
    default = policy.default
    return Brake.PULLED if default is not None and denies_nothing(default.document) else Brake.OFF


def denies_nothing(document: object) -> bool:
    """Tell whether a document can be read and has no Deny: an Allow half, ours of today or of an earlier text."""
    if not isinstance(document, str | Mapping):
        return False
    parsed = parse_document(document, "")
    return parsed.problem is None and all(statement.effect == "Allow" for statement in parsed.statements)


def number_of(version: PolicyVersion) -> int:
    """Read the number of a version: 3 of `v3`."""
    digits = version.id.removeprefix("v")
    return int(digits) if digits.isdigit() else 0
