"""Opens the checks of `rollout policy --check` besides our own lint: the known actions, and IAM Access Analyzer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rollout.domain.people.users import Unread


def known_actions() -> Mapping[str, frozenset[str]]:
    """Return the actions of each service that botocore has a model of, by service prefix."""
    from rollout.aws.probe import known_actions as shipped

    return shipped.known_actions()


def access_analyzer(profile: str | None) -> Callable[[Mapping[str, Any]], tuple[str, ...] | Unread]:
    """Return a function that checks a document with Access Analyzer: its findings, or why there are none.

    Raises NoCredentials, also from the function that is returned.
    """
    from rollout.aws.probe.analyzer import Analyzer
    from rollout.awsapi.sessions import Connection

    return Analyzer(Connection(profile=profile)).findings
