"""Decides whether the `Condition` element of a statement holds for a request.

See the pages "IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values" and
"Single-valued vs. multivalued context keys". Several values of a key are alternatives; under a negated operator, none
of them may match. An absent key makes an operator false, a negated one true, `…IfExists` true, `ForAllValues:` true
and `ForAnyValue:` false. `Null` tests whether the key is absent.

Where AWS documents no answer, or contradicts itself, the result is `UNKNOWN`, never a guess:

- a negated operator on a text that is not a number, date, address or ARN as required, or on a variable without a value
  (a positive operator does not match);
- several values, an empty list, or a key of `MULTIVALUED`, under an operator without the set prefix that AWS requires
  for multivalued keys, unless every interpretation agrees;
- an empty value under a set prefix or under `Null`: the page "Single-valued vs. multivalued context keys" counts an
  empty string as no value;
- an absent key under `ForAnyValue:…IfExists`, which one rule makes true and the other false.
"""

import operator as compare
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol, TypeAlias

from rollout.domain.iam import comparisons
from rollout.domain.iam.comparisons import Comparison, Order
from rollout.domain.iam.context import RequestFacts, Values
from rollout.domain.iam.logic import UNKNOWN, Truth, all_of, any_of
from rollout.domain.iam.malformed import Malformed
from rollout.domain.iam.variables import names_in_doubt

MULTIVALUED = frozenset(
    {
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:tagkeys",
        "aws:vpceorgpaths",
    }
)
"""The keys that the page "AWS global condition context keys" calls multivalued, whatever number of values they have."""


class Quantifier(Enum):
    """How many of a key's values must meet the condition."""

    ONE = ""
    ALL = "ForAllValues:"
    ANY = "ForAnyValue:"


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator, split into its parts."""

    base: str
    quantifier: Quantifier
    if_exists: bool

    def __str__(self) -> str:
        """Return the name as AWS writes it."""
        return f"{self.quantifier.value}{self.base}{'IfExists' if self.if_exists else ''}"


@dataclass(frozen=True, slots=True)
class ValueCondition:
    """One key under one operator: `"StringLike": {"s3:prefix": ["", "home/*"]}`."""

    operator: Operator
    key: str
    lookup: str
    negative: bool
    comparisons: tuple[Comparison, ...]

    def holds(self, facts: RequestFacts) -> Truth:
        """Tell whether the condition is met."""
        values = facts.get(self.lookup)
        if values is UNKNOWN:
            return UNKNOWN
        if values is None:
            return self._without_key()
        if self.operator.quantifier is not Quantifier.ONE:
            return self._holds_for_set(values, facts)
        if len(values) == 1 and self.lookup not in MULTIVALUED:
            return self._meets(values[0], facts)
        if not values:
            return UNKNOWN if self.negative or self.operator.if_exists else False
        return UNKNOWN if any(self._meets(value, facts) is not False for value in values) else False

    def doubts(self, facts: RequestFacts) -> tuple[str, ...]:
        """Name the keys or variables that made the condition `UNKNOWN`."""
        if facts.get(self.lookup) is UNKNOWN:
            return (self.key,)
        names: list[str] = []
        for comparison in self.comparisons:
            names += names_in_doubt(comparison.variables, facts, valueless=self.negative)
        return tuple(names) or (f"{self.key} under {self.operator}",)

    def _without_key(self) -> Truth:
        match self.operator.quantifier:
            case Quantifier.ALL:
                return True
            case Quantifier.ANY:
                return UNKNOWN if self.operator.if_exists else False
            case Quantifier.ONE:
                return self.negative or self.operator.if_exists

    def _holds_for_set(self, values: Values, facts: RequestFacts) -> Truth:
        met = (self._meets(value, facts) for value in values)
        if self.operator.quantifier is Quantifier.ALL:
            truth = all_of(met)
            return truth if truth is True or any(values) else UNKNOWN
        truth = any_of(met)
        doubtful = not any(values) and (truth is True or (self.operator.if_exists and not values))
        return UNKNOWN if doubtful else truth

    def _meets(self, value: str, facts: RequestFacts) -> Truth:
        doubt = False
        for comparison in self.comparisons:
            outcome = comparison.outcome(value, facts)
            if outcome is True:
                return not self.negative
            if outcome is UNKNOWN or (outcome is None and self.negative):
                doubt = True
        return UNKNOWN if doubt else self.negative


@dataclass(frozen=True, slots=True)
class NullCondition:
    """`Null`: "true" requires that the key is absent, "false" that it is present with a value."""

    key: str
    lookup: str
    wanted: frozenset[bool]

    def holds(self, facts: RequestFacts) -> Truth:
        """Tell whether the key is absent or present as required."""
        if len(self.wanted) != 1:
            return bool(self.wanted)
        values = facts.get(self.lookup)
        if values is UNKNOWN or (values is not None and not any(values)):
            return UNKNOWN
        return (values is None) in self.wanted

    def doubts(self, facts: RequestFacts) -> tuple[str, ...]:
        """Name the keys or variables that made the condition `UNKNOWN`."""
        return (self.key,) if facts.get(self.lookup) is UNKNOWN else (f"{self.key} under Null",)


Condition: TypeAlias = ValueCondition | NullCondition


class _Compiler(Protocol):
    def __call__(self, text: str, *, variables: bool) -> Comparison: ...


def _plain(compiler: Callable[[str], Comparison]) -> _Compiler:
    """Adapt a compiler for operators without variables, to which `${` is plain text in every version."""

    def compiled(text: str, *, variables: bool) -> Comparison:  # noqa: ARG001 - one signature for all
        return compiler(text)

    return compiled


def _number(test: Order) -> _Compiler:
    return _plain(partial(comparisons.compile_number, test=test))


def _date(test: Order) -> _Compiler:
    return _plain(partial(comparisons.compile_date, test=test))


_BASES: dict[str, tuple[_Compiler, bool]] = {
    "StringEquals": (comparisons.compile_text, False),
    "StringNotEquals": (comparisons.compile_text, True),
    "StringEqualsIgnoreCase": (partial(comparisons.compile_text, fold=True), False),
    "StringNotEqualsIgnoreCase": (partial(comparisons.compile_text, fold=True), True),
    "StringLike": (partial(comparisons.compile_text, wildcards=True), False),
    "StringNotLike": (partial(comparisons.compile_text, wildcards=True), True),
    "NumericEquals": (_number(compare.eq), False),
    "NumericNotEquals": (_number(compare.eq), True),
    "NumericLessThan": (_number(compare.lt), False),
    "NumericLessThanEquals": (_number(compare.le), False),
    "NumericGreaterThan": (_number(compare.gt), False),
    "NumericGreaterThanEquals": (_number(compare.ge), False),
    "DateEquals": (_date(compare.eq), False),
    "DateNotEquals": (_date(compare.eq), True),
    "DateLessThan": (_date(compare.lt), False),
    "DateLessThanEquals": (_date(compare.le), False),
    "DateGreaterThan": (_date(compare.gt), False),
    "DateGreaterThanEquals": (_date(compare.ge), False),
    "Bool": (comparisons.compile_bool, False),
    "BinaryEquals": (_plain(comparisons.compile_bytes), False),
    "IpAddress": (_plain(comparisons.compile_address), False),
    "NotIpAddress": (_plain(comparisons.compile_address), True),
    "ArnEquals": (comparisons.compile_arn, False),
    "ArnLike": (comparisons.compile_arn, False),
    "ArnNotEquals": (comparisons.compile_arn, True),
    "ArnNotLike": (comparisons.compile_arn, True),
}
_NAMES = {name.lower(): name for name in (*_BASES, "Null")}
_PARTS = re.compile(r"(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?", re.IGNORECASE)
_QUANTIFIERS = {None: Quantifier.ONE, "forallvalues": Quantifier.ALL, "foranyvalue": Quantifier.ANY}


def read_operator(name: str) -> Operator:
    """Parse an operator's name, in upper or lower case. Raises Malformed for one that AWS does not document."""
    read = _PARTS.fullmatch(name)
    base = _NAMES.get(read[2].lower()) if read else None
    if read is None or base is None:
        raise Malformed(f"unknown condition operator {name!r}")
    found = Operator(base, _QUANTIFIERS[read[1] and read[1].lower()], read[3] is not None)
    if base == "Null" and str(found) != "Null":
        raise Malformed(f"condition operator {name!r}: Null cannot have a prefix or IfExists")
    return found


def compile_conditions(
    block: Mapping[str, Mapping[str, tuple[str, ...]]], *, variables: bool
) -> tuple[Condition, ...]:
    """Compile a `Condition` element whose values were converted to tuples of texts.

    Raises Malformed for an unknown operator, and for a key that occurs twice under one operator with different case
    (Access Analyzer's check "Duplicate keys with different case").
    """
    compiled: list[Condition] = []
    seen: set[tuple[Operator, str]] = set()
    for name, tests in block.items():
        operator = read_operator(name)
        for key, values in tests.items():
            if (operator, key.lower()) in seen:
                raise Malformed(f"condition key {key!r} occurs twice under {operator}")
            seen.add((operator, key.lower()))
            compiled.append(_condition(operator, key, values, variables=variables))
    return tuple(compiled)


def _condition(operator: Operator, key: str, values: tuple[str, ...], *, variables: bool) -> Condition:
    if operator.base == "Null":
        wanted = frozenset(value.lower() == "true" for value in values if value.lower() in ("true", "false"))
        return NullCondition(key, key.lower(), wanted)
    compiler, negative = _BASES[operator.base]
    return ValueCondition(
        operator, key, key.lower(), negative, tuple(compiler(value, variables=variables) for value in values)
    )
