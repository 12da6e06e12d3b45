"""Decides whether one statement of a policy applies to a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from reprlib import repr as brief
from typing import Any, Literal, TypeAlias

from rollout.domain.iam.conditions import Condition, compile_conditions
from rollout.domain.iam.context import RequestFacts, text_of
from rollout.domain.iam.logic import UNKNOWN, Truth
from rollout.domain.iam.malformed import Malformed
from rollout.domain.iam.resources import Resources, compile_resources
from rollout.domain.iam.wildcards import Glob, glob

Effect: TypeAlias = Literal["Allow", "Deny"]

_ELEMENTS = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})


@dataclass(frozen=True, slots=True)
class Actions:
    """An `Action` or `NotAction` element; names and prefixes are case-insensitive (page "…elements: Action")."""

    excluding: bool
    names: frozenset[str]
    globs: tuple[Glob, ...]

    def cover(self, action: str) -> bool:
        """Tell whether the element covers an action, given in lower case."""
        return (
            action in self.names or any(wanted.matches(action) for wanted in self.globs)
        ) is not self.excluding


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One compiled statement; `index` is its position in the document, from 0, and `source` its raw form."""

    sid: str | None
    index: int
    effect: Effect
    actions: Actions
    resources: Resources
    conditions: tuple[Condition, ...]
    source: Mapping[str, Any] = field(repr=False)

    def applies(self, resource: str, facts: RequestFacts) -> Truth:
        """Tell whether the statement applies to a request whose action it covers."""
        truth = self.resources.cover(resource, facts)
        if truth is False:
            return False
        for condition in self.conditions:
            held = condition.holds(facts)
            if held is False:
                return False
            if held is UNKNOWN:
                truth = UNKNOWN
        return truth

    def doubts(self, resource: str, facts: RequestFacts) -> tuple[str, ...]:
        """Name the keys that left the result of `applies` open."""
        names = list(self.resources.doubts(resource, facts))
        for condition in self.conditions:
            if condition.holds(facts) is UNKNOWN:
                names.extend(condition.doubts(facts))
        return tuple(dict.fromkeys(names))


def compile_statement(source: object, index: int, *, variables: bool) -> Statement:
    """Compile one statement of an identity policy, boundary, SCP or session policy.

    Raises Malformed for a violation of the page "Grammar of the IAM JSON policy language"; in these types of policy, a
    `Principal` is one.
    """
    if not isinstance(source, Mapping):
        raise Malformed("it is not an object")
    for name in source:
        if name in ("Principal", "NotPrincipal"):
            raise Malformed(f"{name} is only allowed in resource-based policies and trust policies")
        if name not in _ELEMENTS:
            raise Malformed(f"unknown element {brief(name)}")
    effect = source.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise Malformed(f"Effect must be Allow or Deny, not {brief(effect)}")
    sid = source.get("Sid")
    if sid is not None and not isinstance(sid, str):
        raise Malformed("Sid is not a string")
    return Statement(
        sid=sid or None,
        index=index,
        effect=effect,
        actions=_actions(source),
        resources=_resources(source, variables=variables),
        conditions=compile_conditions(condition_values(source), variables=variables),
        source=source,
    )


def condition_values(source: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the `Condition` element with every value as a tuple of texts. Raises Malformed for any other form."""
    block = source.get("Condition", {})
    if not isinstance(block, Mapping):
        raise Malformed("Condition is not an object")
    result: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, tests in block.items():
        if not isinstance(operator, str) or not isinstance(tests, Mapping):
            raise Malformed(f"the value of condition operator {brief(operator)} is not an object")
        result[operator] = {}
        for key, values in tests.items():
            several = values if isinstance(values, list | tuple) else (values,)
            if not isinstance(key, str) or not all(
                isinstance(value, str | bool | int | float) for value in several
            ):
                raise Malformed(f"the value of condition key {brief(key)} is not a string, number or Boolean")
            result[operator][key] = tuple(map(text_of, several))
    return result


def texts(source: Mapping[str, Any], element: str) -> tuple[str, ...]:
    """Return the one or more texts of an element. Raises Malformed for anything else."""
    value = source[element]
    several = (value,) if isinstance(value, str) else value
    if not isinstance(several, list | tuple) or not all(isinstance(text, str) and text for text in several):
        raise Malformed(f"{element} is not a string or a list of strings")
    if not several:
        raise Malformed(f"{element} is empty")
    return tuple(several)


def _one_of(source: Mapping[str, Any], *elements: str) -> str:
    present = [element for element in elements if element in source]
    if len(present) != 1:
        raise Malformed(f"it needs one of {' and '.join(elements)}")
    return present[0]


def _resources(source: Mapping[str, Any], *, variables: bool) -> Resources:
    element = _one_of(source, "Resource", "NotResource")
    return compile_resources(texts(source, element), excluding=element == "NotResource", variables=variables)


def _actions(source: Mapping[str, Any]) -> Actions:
    element = _one_of(source, "Action", "NotAction")
    names = texts(source, element)
    for name in names:
        if ":" not in name and name.strip("*"):
            raise Malformed(f"action {name!r} does not name a service")
    lower = [name.lower() for name in names]
    return Actions(
        element == "NotAction",
        frozenset(name for name in lower if "*" not in name and "?" not in name),
        tuple(glob(name) for name in lower if "*" in name or "?" in name),
    )
