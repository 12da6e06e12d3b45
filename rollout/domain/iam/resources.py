"""Decides whether the `Resource` or `NotResource` element of a statement covers a resource.

See the page "IAM JSON policy elements: Resource": wildcards occur inside the parts of an ARN, and a `*` at the end of a
part may match past the colon. A text is therefore matched as a whole, case-sensitively, and every `*` may cross colons.

Where AWS documents no answer, or contradicts itself, the result is `UNKNOWN`, never a guess:

- a variable before the fifth colon, where the page "IAM policy elements: Variables and tags" allows none;
- a wildcard in the type of a resource (`us*r/alice`), which the page "Identify AWS resources with Amazon Resource
  Names" calls incorrect;
- an ARN with fewer than six parts, which may cover everything below it;
- a variable without a value in `NotResource`: the page "Variables and tags" says both that it matches no resource and
  that it might make the whole statement invalid.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from rollout.domain.iam.context import RequestFacts
from rollout.domain.iam.logic import UNKNOWN, Truth, negated
from rollout.domain.iam.variables import (
    ARN_PARTS,
    Pattern,
    names_in_doubt,
    pattern,
    split_outside_variables,
    without_variables,
)

_UNTYPED = ("s3", "execute-api")
"""Services whose ARNs name a resource without its type, so that a wildcard may come first."""


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """One pattern of the element; `doubtful` means that AWS may match less, or more, than it seems to."""

    text: str
    pattern: Pattern
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Resources:
    """The whole element; `everything` is true when one of its patterns is `*`."""

    excluding: bool
    everything: bool
    entries: tuple[ResourcePattern, ...]

    def cover(self, resource: str, facts: RequestFacts) -> Truth:
        """Tell whether the element covers a resource."""
        if self.everything:
            return not self.excluding
        named: Truth = False
        for entry in self.entries:
            outcome = entry.pattern.matches(resource, facts)
            if outcome is True and not entry.doubtful:
                return not self.excluding
            if outcome is True or outcome is UNKNOWN or (outcome is None and self.excluding):
                named = UNKNOWN
        return negated(named) if self.excluding else named

    def doubts(self, resource: str, facts: RequestFacts) -> tuple[str, ...]:
        """Name the patterns and keys that left the result open."""
        if self.cover(resource, facts) is not UNKNOWN:
            return ()
        names: list[str] = []
        for entry in self.entries:
            if entry.pattern.matches(resource, facts) is not False:
                names += [f"resource {entry.text}"] if entry.doubtful else []
                names += names_in_doubt(entry.pattern.variables, facts, valueless=self.excluding)
        return tuple(names)


def compile_resources(names: tuple[str, ...], *, excluding: bool, variables: bool) -> Resources:
    """Compile the patterns of the element; `excluding` is true for `NotResource`. Raises Malformed."""
    return Resources(
        excluding,
        any(not name.strip("*") for name in names),
        tuple(entry for name in names for entry in _entries(name, variables=variables)),
    )


@lru_cache(maxsize=4096)
def _entries(name: str, *, variables: bool) -> tuple[ResourcePattern, ...]:
    """Return the pattern itself and, for an ARN that lacks parts, one for everything below it."""
    parts = split_outside_variables(name, variables=variables)
    doubtful = parts[0] == "arn" and (
        (variables and "${" in "".join(parts[: ARN_PARTS - 1])) or _has_wildcard_in_type(parts)
    )
    itself = ResourcePattern(name, pattern(name, variables=variables, wildcards=True), doubtful)
    if parts[0] == "arn" and len(parts) < ARN_PARTS:
        return itself, ResourcePattern(
            name, pattern(f"{name}:*", variables=variables, wildcards=True), doubtful=True
        )
    return (itself,)


def _has_wildcard_in_type(parts: list[str]) -> bool:
    if len(parts) < ARN_PARTS or parts[2] in _UNTYPED:
        return False
    kind, *rest = re.split("[/:]", without_variables(parts[-1]), maxsplit=1)
    return bool(rest) and ("*" in kind or "?" in kind)
