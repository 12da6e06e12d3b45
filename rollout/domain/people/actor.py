"""Tells who made a call to AWS, and whether two calls were made by the same person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_SESSION = re.compile(
    r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<name>.+)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller as `GetCallerIdentity` shows it: its ARN, and its UserId (`AIDA…`, or `AROA…:session` for a role).

    For a session of a role, role and session name together are the person, as in IAM Identity Center, where the
    session has the name of the user. Whoever may choose the session name can be several persons: see docs/gates.md.
    `id` is empty in what earlier versions recorded.
    """

    arn: str
    id: str = ""

    @property
    def role_arn(self) -> str:
        """The ARN of the role whose session this is, without the role's path, which STS does not tell; else empty."""
        found = _SESSION.fullmatch(self.arn)
        return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}" if found else ""

    def is_one_of(self, globs: Iterable[str]) -> bool:
        """Tell whether a pattern matches the ARN, or that of the role."""
        arns = (self.arn, self.role_arn)
        return any(fnmatchcase(arn, glob) for arn in arns if arn for glob in globs)

    def is_same(self, other: Actor) -> bool:
        """Tell whether this is the same person: by UserId, which outlives a new name, or by ARN."""
        return self.arn == other.arn or bool(self.id and self.id == other.id)
