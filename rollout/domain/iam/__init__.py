"""Evaluates IAM policies as AWS does: takes documents and a request, returns a decision with its reasons.

Start at `evaluate`. `documents` parses stored policies; `conditions` and `statements` contain the rules.
"""

from rollout.domain.iam.context import Context, Request
from rollout.domain.iam.documents import Deciding, Document, parse_document
from rollout.domain.iam.evaluate import (
    Allowed,
    Decision,
    ExplicitlyDenied,
    ImplicitlyDenied,
    Policies,
    SilentLayer,
    Undecided,
    evaluate,
)
from rollout.domain.iam.left_open import beyond, left_open
from rollout.domain.iam.logic import UNKNOWN
from rollout.domain.iam.normalise import equal_documents, normalise_document
from rollout.domain.iam.statements import Statement

__all__ = [
    "UNKNOWN",
    "Allowed",
    "Context",
    "Deciding",
    "Decision",
    "Document",
    "ExplicitlyDenied",
    "ImplicitlyDenied",
    "Policies",
    "Request",
    "SilentLayer",
    "Statement",
    "Undecided",
    "beyond",
    "equal_documents",
    "evaluate",
    "left_open",
    "normalise_document",
    "parse_document",
]
