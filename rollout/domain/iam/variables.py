"""Reads patterns that hold policy variables, and fills the variables in for one request.

Page "IAM policy elements: Variables and tags": `${key}` stands for the value of a single-valued context key,
`${key, 'default'}` for the default when the key has no value, and `${*}`, `${?}`, `${$}` for those characters.
Variables exist only in documents of version 2012-10-17; before that `${` is plain text. A filled-in value is
literal: its own `*` and `?` match only themselves. A variable without a value matches nothing. What that means where
something must *not* match, the page says in two ways: that it does not match, and that the whole statement might be
invalid. So a pattern answers None here, and `conditions` and `resources` make of it what both ways agree on.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from rollout.domain.iam.context import Facts
from rollout.domain.iam.logic import UNKNOWN, Truth, Unknown
from rollout.domain.iam.malformed import Malformed
from rollout.domain.iam.wildcards import Glob

ARN_PARTS = 6

_PLACEHOLDER = re.compile(r"\$\{(?P<inside>[^}]*)\}")
_VARIABLE = re.compile(r"\s*(?P<key>[^\s,'*?$]+(?: +[^\s,'*?$]+)*)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")
_PIECE = re.compile(r"\$\{[^}]*\}|[*?]|[^*?$]+|\$")


@dataclass(frozen=True, slots=True)
class Variable:
    """A place that the context fills: the key as written, the key to look up, and the default if there is one."""

    name: str
    key: str
    default: str | None

    def value(self, facts: Facts) -> str | Unknown | None:
        """What to put in; None when there is nothing to put in, so that the pattern matches nothing."""
        found = facts.single(self.key)
        return self.default if found is None else found


Match: TypeAlias = Truth | None
"""Whether a pattern matches; None when it does not, and a variable in it has no value, or may have none."""

Chunk: TypeAlias = tuple[str | int, ...]
"""Text and variables in a row, with no wildcard among them; a variable is its place in `Pattern.variables`."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A text of a policy that a value is matched against; `runs` is as in `Glob`, with variables still open."""

    runs: tuple[tuple[Chunk, ...], ...]
    ready: Glob | None
    """The finished pattern, when there is no variable to fill."""
    widest: Glob
    """The pattern with every variable read as `*`: what it does not match, no value can make match."""
    fold: bool
    """Whether case is ignored."""
    variables: tuple[Variable, ...]

    def matches(self, text: str, facts: Facts) -> Match:
        """Whether the pattern, filled in from `facts`, stands for the whole of `text`."""
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
    """The finished pattern; remembered, because a user is asked about many times in a row."""
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
    """Compile a text of a policy.

    `variables`: the document's version knows them and the element allows them. `wildcards`: `*` and `?` are special.
    Raises `Malformed` for a `${…}` that cannot be read. Remembered, because documents repeat the same few texts.
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


def names_in_doubt(variables: tuple[Variable, ...], facts: Facts, *, valueless: bool) -> list[str]:
    """Names the variables whose value is unknown and, where that matters, those without one."""
    names: list[str] = []
    for variable in variables:
        value = variable.value(facts)
        if value is UNKNOWN:
            names.append(variable.name)
        elif value is None and valueless:
            names.append(f"{variable.name} without a value")
    return names


def without_variables(text: str) -> str:
    """The text that is left when every `${…}` is taken out."""
    return _PLACEHOLDER.sub("", text)


def split_outside_variables(text: str, *, variables: bool) -> list[str]:
    """The six parts of an ARN pattern, or fewer; a colon inside `${aws:username}` does not separate."""
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
        raise Malformed(f"the policy variable {piece!r} cannot be read")
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
