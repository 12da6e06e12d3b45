"""Validates policy documents with IAM Access Analyzer (aws-facts.md#simulation-and-validation)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.people.users import Unread


class Analyzer:
    """Validates documents with `ValidatePolicy`: static checks that need no analyzer and store nothing."""

    def __init__(self, connection: Connection, retries: Retries | None = None) -> None:
        """Keep the arguments; make no call yet."""
        retries = retries or Retries()
        self._connection = connection
        self._calls = Calls("", CallerIdentity(), retries, retries.pace())

    def findings(self, document: Mapping[str, object]) -> tuple[str, ...] | Unread:
        """List the findings in AWS's order, errors first; Unread says why the call failed.

        Raises NoCredentials, ExpiredCredentials, AwsFailure.
        """
        client = self._connection.analyzer()
        try:
            pages = self._calls.pages(
                client.validate_policy,
                "nextToken",
                policyDocument=json.dumps(document),
                policyType="IDENTITY_POLICY",
            )
            return tuple(
                f"{found['findingType']} {found['issueCode']}: {found['findingDetails']}"
                for page in pages
                for found in page["findings"]
            )
        except CallFailed as failed:
            return Unread("access-analyzer:ValidatePolicy", failed.short)
