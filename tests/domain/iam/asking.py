"""Puts one statement before the evaluator and reads off whether it applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollout.domain.iam import (
    UNKNOWN,
    Allowed,
    Context,
    Decision,
    Document,
    ExplicitlyDenied,
    ImplicitlyDenied,
    Policies,
    Request,
    Undecided,
    evaluate,
    parse_document,
)

ACCOUNT = "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
PATHED_ALICE = f"arn:aws:iam::{ACCOUNT}:user/team/eu/alice"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/build-7"

# The pages of the IAM User Guide that the cases cite, by title; "aws-facts" is docs/aws-facts.md.
OPERATORS = "IAM JSON policy elements: Condition operators"
CONDITION = "IAM JSON policy elements: Condition"
SEVERAL = "Conditions with multiple context keys or values"
MULTIVALUED = "Single-valued vs. multivalued context keys"
VARIABLES = "IAM policy elements: Variables and tags"
ACTION = "IAM JSON policy elements: Action"
NOT_ACTION = "IAM JSON policy elements: NotAction"
RESOURCE = "IAM JSON policy elements: Resource"
NOT_RESOURCE = "IAM JSON policy elements: NotResource"
NAMES = "Identify AWS resources with Amazon Resource Names (ARNs)"
EFFECT = "IAM JSON policy elements: Effect"
VERSION = "IAM JSON policy elements: Version"
GRAMMAR = "Grammar of the IAM JSON policy language"
LOGIC = "Policy evaluation logic"
BOUNDARIES = "Permissions boundaries for IAM entities"
GLOBAL_KEYS = "AWS global condition context keys"
SCPS = "SCP evaluation (AWS Organizations User Guide)"
SESSIONS = "Policies and permissions in IAM: Session policies"

Truth = Any  # True, False or UNKNOWN
Raw = dict[str, Any]


def a_document(
    *statements: Mapping[str, Any], version: str | None = "2012-10-17", name: str = "P"
) -> Document:
    return parse_document(raw(*statements, version=version), name)


def raw(*statements: Any, version: str | None = "2012-10-17") -> Raw:
    return {**({"Version": version} if version else {}), "Statement": list(statements)}


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> Raw:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> Raw:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


ADMIN = a_document(allow(), name="Admin")


def a_context(values: Mapping[str, Any]) -> Context:
    """A context in which `UNKNOWN` as a value makes the key unknown."""
    known = {key: value for key, value in values.items() if value is not UNKNOWN}
    return Context(known, unknown=[key for key in values if key not in known])


def a_request(
    action: str = "iam:GetUser",
    resource: str = ALICE,
    principal: str = ALICE,
    context: Mapping[str, Any] | None = None,
) -> Request:
    return Request(action, resource, principal, a_context(context or {}))


def ask(request: Request, *identity: Document, **other: Any) -> Decision:
    return evaluate(Policies(identity, **other), request)


@dataclass(frozen=True)
class Case:
    """A documented rule: what a statement without Effect says about a request."""

    says: str
    source: str
    statement: Raw
    applies: Truth
    request: Request = field(default_factory=a_request)
    version: str | None = "2012-10-17"

    def __str__(self) -> str:
        return self.says


def decisions_on(case: Case) -> tuple[Decision, Decision]:
    """The statement once as the only Allow, once as a Deny beside an administrator's rights."""
    as_allow = a_document({"Effect": "Allow", **case.statement}, version=case.version)
    as_deny = a_document({"Effect": "Deny", **case.statement}, version=case.version)
    assert as_allow.problem is None, as_allow.problem
    return ask(case.request, as_allow), ask(case.request, ADMIN, as_deny)


def expected_types(applies: Truth) -> tuple[type, type]:
    if applies is UNKNOWN:
        return Undecided, Undecided
    return (Allowed, ExplicitlyDenied) if applies else (ImplicitlyDenied, Allowed)
