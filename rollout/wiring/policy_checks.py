"""Opens what `rollout policy` needs besides our own lint: known actions, IAM Access Analyzer, files of questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from rollout.domain.people.users import Unread
from rollout.errors import WrongUsage
from rollout.files.bounded_files import GIB, MIB, BeyondLimit, BoundedStream, Limits, check_values

_LIMITS = Limits(total=16 * GIB, line=4 * MIB)


def known_actions() -> Mapping[str, frozenset[str]]:
    """Return the actions of each service that botocore has a model of, by service prefix."""
    from rollout.aws.probe import known_actions as shipped

    return shipped.known_actions()


def access_analyzer(
    profile: str | None, *, endpoint_ok: bool = False
) -> Callable[[Mapping[str, Any]], tuple[str, ...] | Unread]:
    """Return a function that checks a document with Access Analyzer: its findings, or why there are none.

    Raises NoCredentials, also from the function that is returned.
    """
    from rollout.aws.probe.analyzer import Analyzer
    from rollout.awsapi.sessions import Connection

    return Analyzer(Connection(profile=profile, endpoint_ok=endpoint_ok)).findings


def question_lines(stream: BinaryIO, where: str) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line. Raises WrongUsage beyond the limits, and UnicodeDecodeError."""
    try:
        for number, line in enumerate(BoundedStream(stream, where, _LIMITS), 1):
            yield number, line.decode()
    except BeyondLimit as beyond:
        raise WrongUsage(str(beyond), cure="write one question to a line") from beyond


def question(line: str) -> Any:
    """Parse one line of JSON. Raises ValueError, RecursionError."""
    check_values(line.encode())
    return json.loads(line)
