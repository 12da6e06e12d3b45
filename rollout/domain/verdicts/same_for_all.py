"""Tells whether a policy document can tell users of one account apart; if not, one evaluation serves them all."""

from __future__ import annotations

import re

from rollout.domain.iam import Document

# Keys that have one value for everybody who asks; whatever else a condition tests may tell users apart.
SAME_FOR_ALL = frozenset(
    {
        "aws:multifactorauthpresent",
        "aws:multifactorauthage",
        "aws:securetransport",
        "aws:viaawsservice",
        "aws:principalisawsservice",
        "aws:requestedregion",
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalorgid",
        "aws:sourceip",
    }
)
# Resources that mean the same for everybody of an account with a path, and for everybody without one. A `*` may run on
# past a colon: after one, what looks like the name of a service need not be it.
_ALIKE = re.compile(
    r"\*|arn:[a-z-]+:(?!iam\b)[a-z0-9-]+:[^$]*"
    r"|arn:[a-z*-]+:iam::[^:$]*:(\*|(user|mfa)/(\*|\*/\$\{aws:username\}|\$\{aws:username\})|(role|group|policy|oidc-provider|saml-provider)/[^$]*)"
)


def says_same_for_all(document: Document) -> bool:
    """Tell whether a document says the same of everybody in an account, but for a path or none."""
    for statement in document.statements:
        source = statement.source
        if any(
            not _ALIKE.fullmatch(text) for text in _texts(source.get("Resource", source.get("NotResource")))
        ):
            return False
        for tests in dict(source.get("Condition") or {}).values():
            for key, values in tests.items():
                if key.casefold() not in SAME_FOR_ALL or any("${" in text for text in _texts(values)):
                    return False
    return True


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)
