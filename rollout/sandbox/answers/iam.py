"""Combines all IAM operations in one class: ours where moto is laxer than AWS, moto's own elsewhere."""

from __future__ import annotations

from rollout.sandbox.answers.details import AuthorizationDetails
from rollout.sandbox.answers.device_answers import DeviceAnswers
from rollout.sandbox.answers.groups import GroupAnswers
from rollout.sandbox.answers.iam_users import UserAnswers
from rollout.sandbox.answers.key_answers import KeyAnswers
from rollout.sandbox.answers.managed_policies import PolicyAnswers
from rollout.sandbox.answers.password_answers import PasswordAnswers
from rollout.sandbox.answers.reports import CredentialReports
from rollout.sandbox.answers.summary import SummaryAnswers


class IamAnswers(
    AuthorizationDetails,
    CredentialReports,
    DeviceAnswers,
    GroupAnswers,
    KeyAnswers,
    PasswordAnswers,
    PolicyAnswers,
    SummaryAnswers,
    UserAnswers,
):
    """All IAM operations."""
