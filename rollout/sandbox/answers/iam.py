"""All of IAM's answers in one class: ours where moto is laxer, moto's own elsewhere."""

from __future__ import annotations

from rollout.sandbox.answers.details import AuthorizationDetails
from rollout.sandbox.answers.device_answers import Devices
from rollout.sandbox.answers.groups import Groups
from rollout.sandbox.answers.iam_users import Users
from rollout.sandbox.answers.key_answers import Keys
from rollout.sandbox.answers.managed_policies import Policies
from rollout.sandbox.answers.password_answers import Passwords
from rollout.sandbox.answers.reports import CredentialReports
from rollout.sandbox.answers.summary import Summary


class IamAnswers(
    AuthorizationDetails, CredentialReports, Devices, Groups, Keys, Passwords, Policies, Summary, Users
):
    """What a client of IAM meets."""
