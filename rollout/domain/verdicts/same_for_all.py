"""Recognises policy documents that treat all users of an account alike, so that one evaluation serves them all."""

from __future__ import annotations

import re

from rollout.domain.iam import Document

# Keys with the same value for every user; any other key may distinguish users.
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
        "iam:registersecuritykey",
        "iam:fido-certification",
        "iam:fido-fips-140-2-certification",
        "iam:fido-fips-140-3-certification",
    }
)
# Resources that mean the same for all users of an account with a path, and for all without one. A `*` may match colons:
# after it, what looks like the name of a service may be something else.
_SAME_RESOURCE = re.compile(
    r"\*|arn:[a-z-]+:(?!iam\b)[a-z0-9-]+:[^$]*"
    r"|arn:[a-z*-]+:iam::[^:$]*:(\*|(user|mfa)/(\*|\*/\$\{aws:username\}|\$\{aws:username\})|(role|group|policy|oidc-provider|saml-provider)/[^$]*)"
)


def says_same_for_all(document: Document) -> bool:
    """Tell whether a document treats all users of an account alike, those with and those without a path apart."""
    for statement in document.statements:
        source = statement.source
        if any(
            not _SAME_RESOURCE.fullmatch(text)
            for text in _texts(source.get("Resource", source.get("NotResource")))
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
