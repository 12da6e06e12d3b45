"""Represents what is known about a request, and what is known to be unknown.

A context key is *present* (with its values), *absent*, or *unknown*; every decision that depends on an unknown key
stays open. Key names are case-insensitive (page "IAM JSON policy elements: Condition"), and so are tag keys on users
and roles (aws-facts.md#names-paths-arns-tags).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from rollout.domain.iam.logic import UNKNOWN, Unknown

ContextValue: TypeAlias = str | bool | int | float
Values: TypeAlias = tuple[str, ...]


def text_of(value: ContextValue) -> str:
    """Return a value as IAM's text: JSON `true` gives "true", 5 gives "5"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Context:
    """The context keys of a request; immutable, so requests can share it.

    A key that is not named is absent. `unknown` names the keys whose values nobody knows; an entry that ends in `*` or
    `/` names a family (`aws:PrincipalTag/*`). A value in `values` takes precedence over an unknown family.
    """

    __slots__ = ("_families", "_unknown", "_values")

    def __init__(
        self,
        values: Mapping[str, ContextValue | Collection[ContextValue]],
        unknown: Collection[str] = (),
    ) -> None:
        """Accept a plain value for a single-valued key, and a collection of values for a multivalued key."""
        self._values: dict[str, Values] = {
            name.lower(): tuple(map(text_of, value))
            if isinstance(value, Collection) and not isinstance(value, str)
            else (text_of(value),)
            for name, value in values.items()
        }
        names = [name.lower() for name in unknown]
        self._unknown = frozenset(names)
        self._families = tuple(name.removesuffix("*") for name in names if name.endswith(("*", "/")))

    def get(self, key: str) -> Values | Unknown | None:
        """Return the values of a key (given in lower case), `UNKNOWN`, or None when the key is absent."""
        found = self._values.get(key)
        if found is not None:
            return found
        if key in self._unknown or (self._families and key.startswith(self._families)):
            return UNKNOWN
        return None

    def __eq__(self, other: object) -> bool:
        """Compare: two contexts are equal when `get` returns the same for every key."""
        if not isinstance(other, Context):
            return NotImplemented
        return self._values == other._values and self._unknown == other._unknown

    def __hash__(self) -> int:
        """Hash consistently with equality."""
        return hash((frozenset(self._values.items()), self._unknown))

    def __repr__(self) -> str:
        """Show the content, for test failures."""
        return f"Context({self._values!r}, unknown={sorted(self._unknown)!r})"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: may `principal` (an ARN) perform `action` on `resource`?

    Keys that can be derived from the principal's ARN are filled in, unless the context gives them or names them as
    unknown (see `keys_of_principal`).
    """

    action: str
    resource: str
    principal: str
    context: Context

    def facts(self) -> "RequestFacts":
        """The context keys of this request, those derived from its principal included."""
        return RequestFacts(self.context, keys_of_principal(self.principal))


class RequestFacts:
    """The context of one request, together with the keys derived from its principal."""

    __slots__ = ("_context", "_derived")

    def __init__(self, context: Context, derived: Mapping[str, Values]) -> None:
        """Look keys up in `context` first, then in `derived`."""
        self._context = context
        self._derived = derived

    def get(self, key: str) -> Values | Unknown | None:
        """Return the values of a key (given in lower case), `UNKNOWN`, or None when the key is absent."""
        found = self._context.get(key)
        return self._derived.get(key) if found is None else found

    def single(self, key: str) -> str | Unknown | None:
        """Return the value of a policy variable; None when the key has none.

        A multivalued key cannot be used as a variable (page "Single-valued vs. multivalued context keys"), so it gives
        None. An empty value gives `UNKNOWN`: the page "IAM policy elements: Variables and tags" calls a key without a
        value null, but does not say whether that includes an empty tag value.
        """
        found = self.get(key)
        if found is UNKNOWN or found is None:
            return found
        if len(found) != 1:
            return None
        return found[0] or UNKNOWN


_TYPES = {
    "user": "User",
    "role": "AssumedRole",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
}


@lru_cache(maxsize=4096)
def keys_of_principal(arn: str) -> Mapping[str, Values]:
    """Derive context keys from a principal's ARN, by lower-case name.

    See the page "IAM policy elements: Variables and tags", table of principal key values: `aws:username` exists for IAM
    users only, and is the name without its path. For a role session, `aws:PrincipalArn` is the ARN of the *role* (page
    "AWS global condition context keys"). A session's ARN does not contain the role's path, so an empty path is assumed;
    to use another one, set `aws:PrincipalArn` in the context. `aws:userid` cannot be derived from an ARN.
    """
    try:
        prefix, partition, service, _, account, resource = arn.split(":", 5)
    except ValueError:
        return {}
    if prefix != "arn":
        return {}
    kind, _, rest = resource.partition("/")
    keys = {"aws:principalarn": arn}
    if account:
        keys["aws:principalaccount"] = account
    if service == "iam" and resource == "root":
        keys["aws:principaltype"] = "Account"
    elif service in ("iam", "sts") and kind in _TYPES:
        keys["aws:principaltype"] = _TYPES[kind]
    if kind == "user" and service == "iam":
        keys["aws:username"] = rest.rpartition("/")[2]
    if kind == "assumed-role" and service == "sts":
        role = rest.partition("/")[0]
        keys["aws:principalarn"] = f"arn:{partition}:iam::{account}:role/{role}"
    return {key: (value,) for key, value in keys.items()}
