"""All of IAM's answers in one class: ours where moto is laxer, moto's own elsewhere."""

from __future__ import annotations

from rollout.sandbox.answers.details import AuthorizationDetails
from rollout.sandbox.answers.reports import CredentialReports


class IamAnswers(CredentialReports, AuthorizationDetails):
    """What a client of IAM meets."""
