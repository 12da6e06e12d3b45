"""Compiles patterns with policy variables, and replaces the variables for one request.

See the page "IAM policy elements: Variables and tags": `${key}` stands for the value of a single-valued context key,
`${key, 'default'}` for the default when the key has no value, and `${*}`, `${?}`, `${$}` for those characters.
Variables exist only in documents of version 2012-10-17; in older ones, `${` is plain text. An inserted value is
literal: its own `*` and `?` match only themselves. A variable without a value matches nothing. For elements where
something must *not* match, the page says both that such a variable does not match and that the whole statement might be
invalid. A pattern therefore returns None here, and `conditions` and `resources` only conclude what both rules imply.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from rollout.domain.iam.context import RequestFacts
from rollout.domain.iam.logic import UNKNOWN, Truth, Unknown
from rollout.domain.iam.malformed import Malformed
from rollout.domain.iam.wildcards import Glob

ARN_PARTS = 6

_PLACEHOLDER = re.compile(r"\$\{(?P<inside>[^}]*)\}")
_VARIABLE = re.compile(r"\s*(?P<key>[^\s,'*?$]+(?: +[^\s,'*?$]+)*)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")
_PIECE = re.compile(r"\$\{[^}]*\}|[*?]|[^*?$]+|\$")


@dataclass(frozen=True, slots=True)
class Variable:
    """A policy variable: the key as written, the key to look up, and the default if there is one."""

    name: str
    key: str
    default: str | None

    def value(self, facts: RequestFacts) -> str | Unknown | None:
        """Return the value to insert; None when there is none, so that the pattern matches nothing."""
        found = facts.single(self.key)
        return self.default if found is None else found


Match: TypeAlias = Truth | None
"""Whether a pattern matches; None when it does not match and one of its variables has, or may have, no value."""

Chunk: TypeAlias = tuple[str | int, ...]
"""A sequence of text and variables without wildcards; a variable is given by its index in `Pattern.variables`."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A pattern from a policy; `runs` is as in `Glob`, but with variables not yet replaced."""

    runs: tuple[tuple[Chunk, ...], ...]
    ready: Glob | None
    """The finished pattern, if it has no variables."""
    widest: Glob
    """The pattern with every variable treated as `*`; what it does not match, no value can make match."""
    fold: bool
    """Whether case is ignored."""
    variables: tuple[Variable, ...]

    def matches(self, text: str, facts: RequestFacts) -> Match:
        """Tell whether the pattern, with the variables replaced from `facts`, matches all of `text`."""
        if self.fold:
            text = text.lower()
        if self.ready is not None:
            return self.ready.matches(text)
        values: list[str] = []
        for variable in self.variables:
            value = variable.value(facts)
            if value is None:
                return None
            if value is not UNKNOWN:
                values.append(value)
        if len(values) < len(self.variables):
            if self.widest.matches(text):
                return UNKNOWN
            return False if all(variable.default is not None for variable in self.variables) else None
        return _filled(self, tuple(values)).matches(text)


@lru_cache(maxsize=1024)
def _filled(template: Pattern, values: tuple[str, ...]) -> Glob:
    """Return the finished pattern; cached, since consecutive requests are about the same user."""
    if template.fold:
        values = tuple(value.lower() for value in values)
    return Glob(
        tuple(
            tuple("".join(part if isinstance(part, str) else values[part] for part in chunk) for chunk in run)
            for run in template.runs
        )
    )


@lru_cache(maxsize=4096)
def pattern(text: str, *, variables: bool, wildcards: bool, fold: bool = False) -> Pattern:
    """Compile a pattern from a policy.

    `variables` says that the document's version and the element support variables, `wildcards` that `*` and `?` are
    special. Raises Malformed for an invalid `${…}`. Cached, because documents repeat the same few texts.
    """
    runs: list[list[list[str | int]]] = [[[]]]
    found: list[Variable] = []
    for piece in _pieces(text, variables=variables):
        if wildcards and piece == "*":
            runs.append([[]])
        elif wildcards and piece == "?":
            runs[-1].append([])
        elif variables and piece.startswith("${"):
            part = _placeholder(piece)
            if isinstance(part, Variable):
                runs[-1][-1].append(len(found))
                found.append(part)
            else:
                runs[-1][-1].append(part)
        else:
            runs[-1][-1].append(piece.lower() if fold else piece)
    frozen = tuple(tuple(tuple(chunk) for chunk in run) for run in runs)
    widest = _widest(frozen)
    return Pattern(frozen, None if found else widest, widest, fold, tuple(found))


def names_in_doubt(variables: tuple[Variable, ...], facts: RequestFacts, *, valueless: bool) -> list[str]:
    """Name the variables whose value is unknown and, if `valueless`, those without a value."""
    names: list[str] = []
    for variable in variables:
        value = variable.value(facts)
        if value is UNKNOWN:
            names.append(variable.name)
        elif value is None and valueless:
            names.append(f"{variable.name} without a value")
    return names


def without_variables(text: str) -> str:
    """Return the text without any `${…}`."""
    return _PLACEHOLDER.sub("", text)


def split_outside_variables(text: str, *, variables: bool) -> list[str]:
    """Split an ARN pattern into at most six parts; a colon inside `${aws:username}` does not separate parts."""
    if not variables or "${" not in text:
        return text.split(":", ARN_PARTS - 1)
    parts = [""]
    for piece in _pieces(text, variables=variables):
        if piece.startswith("${") or ":" not in piece:
            parts[-1] += piece
        else:
            first, *more = piece.split(":")
            parts[-1] += first
            parts.extend(more)
    head, tail = parts[: ARN_PARTS - 1], parts[ARN_PARTS - 1 :]
    return [*head, ":".join(tail)] if tail else head


def _pieces(text: str, *, variables: bool) -> list[str]:
    if variables and "${" in _PLACEHOLDER.sub(" ", text):
        raise Malformed(f"the policy variable in {text!r} has no closing brace")
    return _PIECE.findall(text) if variables else re.findall(r"[*?]|[^*?]+", text)


def _placeholder(piece: str) -> str | Variable:
    inside = piece[2:-1]
    if inside in ("*", "?", "$"):
        return inside
    read = _VARIABLE.fullmatch(inside)
    if read is None:
        raise Malformed(f"the policy variable {piece!r} is invalid")
    return Variable(read["key"], read["key"].lower(), read["default"])


def _widest(runs: tuple[tuple[Chunk, ...], ...]) -> Glob:
    wide: list[list[str]] = []
    for run in runs:
        wide.append([])
        for chunk in run:
            wide[-1].append("")
            for part in chunk:
                if isinstance(part, str):
                    wide[-1][-1] += part
                else:
                    wide.append([""])
    return Glob(tuple(tuple(run) for run in wide))
