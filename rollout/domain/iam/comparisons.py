"""Compares one value of a request with one value of a policy, for each family of condition operators.

See the page "IAM JSON policy elements: Condition operators". Each comparison returns true, false, `UNKNOWN`, or None.
None means that one of the two texts is not of the type that the operator compares (number, date, address, ARN), or
contains a variable without a value; `conditions` defines what follows from it.
"""

import base64
import binascii
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Protocol, TypeAlias

from rollout.domain.iam.context import RequestFacts
from rollout.domain.iam.logic import UNKNOWN, Truth, Unknown, all_of
from rollout.domain.iam.variables import ARN_PARTS, Pattern, Variable, pattern, split_outside_variables

Outcome: TypeAlias = Truth | None
Order: TypeAlias = Callable[[Decimal, Decimal], bool]


class Comparison(Protocol):
    """One value of a condition, compiled for comparison with the values of requests."""

    def outcome(self, value: str, facts: RequestFacts) -> Outcome:
        """Compare `value`, from the request, with the policy's value."""

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Return the policy variables in the policy's value."""


@dataclass(frozen=True, slots=True)
class TextComparison:
    """String operators: equality, case-insensitive equality, or pattern matching with `*` and `?`."""

    wanted: Pattern

    def outcome(self, value: str, facts: RequestFacts) -> Outcome:
        """Compare; None when a variable has no value."""
        return self.wanted.matches(value, facts)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Return the variables of the pattern."""
        return self.wanted.variables


@dataclass(frozen=True, slots=True)
class ArnComparison:
    """ARN operators: each of the six parts is compared separately, so that a `*` cannot match across parts.

    `ArnEquals` and `ArnLike` behave the same. A pattern without six parts, such as `"*"`, matches nothing
    (aws-facts.md#doors-and-credentials-found-later). Where a variable stands for several parts, a match as a whole is
    `UNKNOWN`: AWS does not document whether it splits the pattern before or after it fills in the variables.
    """

    parts: tuple[Pattern, ...]
    whole: Pattern

    def outcome(self, value: str, facts: RequestFacts) -> Outcome:
        """Compare; None when the request's value is not an ARN, or a variable has no value."""
        parts = value.split(":", 5)
        if len(self.parts) != ARN_PARTS:
            match = self.whole.matches(value, facts) if self.variables else False
            return match if match is False or match is None else UNKNOWN
        if len(parts) != ARN_PARTS:
            return None
        matched = [wanted.matches(part, facts) for wanted, part in zip(self.parts, parts, strict=True)]
        known = [match for match in matched if match is not None]
        return all_of(known) if len(known) == ARN_PARTS else None

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Return the variables of the whole pattern."""
        return self.whole.variables


class _WithoutVariables(ABC):
    """The shared part of the comparisons that do not support policy variables."""

    __slots__ = ()

    def outcome(self, value: str, facts: RequestFacts) -> Outcome:
        return self.compared(value)

    @abstractmethod
    def compared(self, value: str) -> Outcome: ...

    @property
    def variables(self) -> tuple[Variable, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class OrderComparison(_WithoutVariables):
    """Numeric and date operators, with the request's value on the left and the policy's on the right."""

    test: Order
    read: Callable[[str], Decimal | Unknown | None]
    wanted: Decimal | Unknown | None

    def compared(self, value: str) -> Outcome:
        """Compare; None when either side is not a number, or not a date."""
        given = self.read(value)
        if given is None or self.wanted is None:
            return None
        if given is UNKNOWN or self.wanted is UNKNOWN:
            return UNKNOWN
        return self.test(given, self.wanted)


@dataclass(frozen=True, slots=True)
class BoolComparison(_WithoutVariables):
    """`Bool`: compares "true" and "false", in upper or lower case.

    The page "Condition operators" allows a variable here but the page "Variables and tags" forbids it, so a variable
    gives `UNKNOWN`.
    """

    wanted: Outcome

    def compared(self, value: str) -> Outcome:
        """Compare; None when either side is not a Boolean."""
        given = _TRUTHS.get(value.lower())
        if given is None or self.wanted is None or self.wanted is UNKNOWN:
            return None if given is None else self.wanted
        return given is self.wanted


@dataclass(frozen=True, slots=True)
class BytesComparison(_WithoutVariables):
    """`BinaryEquals`: compares the bytes that two base64 texts encode.

    A request's value that is not base64, but equals the decoded policy value as text, gives `UNKNOWN`: AWS does not
    document how a binary value is written in a request's context.
    """

    wanted: bytes | None

    def compared(self, value: str) -> Outcome:
        """Compare; None when the policy's value is not base64."""
        if self.wanted is None:
            return None
        if read_base64(value) == self.wanted:
            return True
        return UNKNOWN if value.encode(errors="surrogatepass") == self.wanted else False


@dataclass(frozen=True, slots=True)
class AddressComparison(_WithoutVariables):
    """IP operators: whether an address is in a network of the same family; a plain address is a network of one."""

    wanted: IPv4Network | IPv6Network | None

    def compared(self, value: str) -> Outcome:
        """Compare; None when the value is not an address, or the policy's value is not a network."""
        network = _network(value)
        if network is None or self.wanted is None or network.prefixlen != network.max_prefixlen:
            return None
        return network.version == self.wanted.version and network.network_address in self.wanted


_TRUTHS = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def compile_text(
    text: str, *, variables: bool, wildcards: bool = False, fold: bool = False
) -> TextComparison:
    """Compile a string comparison."""
    return TextComparison(pattern(text, variables=variables, wildcards=wildcards, fold=fold))


def compile_arn(text: str, *, variables: bool) -> ArnComparison:
    """Compile an ARN comparison."""
    parts = split_outside_variables(text, variables=variables)
    return ArnComparison(
        tuple(pattern(part, variables=variables, wildcards=True) for part in parts),
        pattern(text, variables=variables, wildcards=True),
    )


def compile_number(text: str, test: Order) -> OrderComparison:
    """Compile a numeric comparison."""
    return OrderComparison(test, read_number, read_number(text))


def compile_date(text: str, test: Order) -> OrderComparison:
    """Compile a date comparison."""
    return OrderComparison(test, read_instant, read_instant(text))


def compile_bool(text: str, *, variables: bool) -> BoolComparison:
    """Compile a boolean comparison."""
    return BoolComparison(UNKNOWN if variables and "${" in text else _TRUTHS.get(text.lower()))


def compile_bytes(text: str) -> BytesComparison:
    """Compile a binary comparison."""
    return BytesComparison(read_base64(text))


def compile_address(text: str) -> AddressComparison:
    """Compile an address comparison."""
    return AddressComparison(_network(text))


@lru_cache(maxsize=1024)
def read_number(text: str) -> Decimal | None:
    """Parse an integer or decimal number; None for anything else."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def read_instant(text: str) -> Decimal | Unknown | None:
    """Parse a date in one of the W3C forms of ISO 8601, or in epoch seconds; return seconds since 1970.

    Four digits alone are `UNKNOWN`, since they can be a year or epoch seconds. A time without an offset, which W3C does
    not allow, counts as UTC.
    """
    if re.fullmatch(r"[0-9]{4}", text):
        return UNKNOWN
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    read = _DATE.fullmatch(text)
    if read is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = read.groups()
    try:
        moment = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=_offset(offset),
        )
        return Decimal((moment - _EPOCH) // timedelta(seconds=1)) + Decimal(fraction or 0)
    except (ValueError, OverflowError):
        return None


def _offset(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    distance = timedelta(hours=int(text[1:3]), minutes=int(text[4:]))
    return timezone(-distance if text[0] == "-" else distance)


def read_base64(text: str) -> bytes | None:
    """Decode base64; None for a text that is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=1024)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
