"""Parses policy documents once into a form that answers quickly and that all its principals share."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from reprlib import repr as brief
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import unquote

from rollout.domain.iam.malformed import Malformed
from rollout.domain.iam.statements import Effect, Statement, compile_statement

VERSION_WITH_VARIABLES = "2012-10-17"
_VERSIONS = (VERSION_WITH_VARIABLES, "2008-10-17")
_REMEMBERED_ACTIONS = 1024

Kind: TypeAlias = Literal["identity", "boundary", "scp", "session"]
"""The role of a document for a principal; one document may have different roles for different principals."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """A statement that decided, or that might decide if the unknown keys were known."""

    document: str
    kind: Kind
    sid: str | None
    index: int
    effect: Effect

    def __str__(self) -> str:
        """Describe it for messages: "DenyAllExceptListedIfNoMFA in ForceMFA"."""
        return f"{self.sid or f'statement {self.index + 1}'} in {self.document}"


class Covering(NamedTuple):
    """The statements of one document that cover one action."""

    denies: tuple[Statement, ...]
    allows: tuple[Statement, ...]

    def of(self, effect: Effect) -> tuple[Statement, ...]:
        return self.denies if effect == "Deny" else self.allows


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One policy document: its statements, or the problem that prevents parsing it.

    Effectively immutable, compared by identity, and safe to share between users, threads and processes.
    """

    name: str
    """The name for messages: an ARN, or "inline policy X of group Y"."""
    problem: str | None
    """Why the document's content is unknown; None if it was parsed."""
    statements: tuple[Statement, ...]
    _by_action: dict[str, Covering] = field(default_factory=dict, repr=False)
    _deciding: dict[tuple[int, Kind], Deciding] = field(default_factory=dict, repr=False)

    def about(self, action: str) -> Covering:
        """Return the statements that cover an action (in lower case); cached, since few different actions are used."""
        found = self._by_action.get(action)
        if found is None:
            covering = [statement for statement in self.statements if statement.actions.cover(action)]
            found = Covering(
                tuple(statement for statement in covering if statement.effect == "Deny"),
                tuple(statement for statement in covering if statement.effect == "Allow"),
            )
            if len(self._by_action) >= _REMEMBERED_ACTIONS:
                self._by_action.clear()
            self._by_action[action] = found
        return found

    def deciding(self, statement: Statement, kind: Kind) -> Deciding:
        """Describe one of this document's statements for a decision."""
        key = (statement.index, kind)
        found = self._deciding.get(key)
        if found is None:
            found = Deciding(self.name, kind, statement.sid, statement.index, statement.effect)
            self._deciding[key] = found
        return found

    def named(self, name: str) -> "Document":
        """Return the same document under another name; the compiled statements are shared."""
        return replace(self, name=name, _deciding={})


def parse_document(raw: Mapping[str, Any] | str, name: str) -> Document:
    """Parse a document. Never raises: an invalid one becomes a document with a `problem`.

    `raw` is the decoded object, or its JSON text, plain or URL-encoded as IAM sends it (aws-facts.md#inventory-calls).
    A document that AWS would reject, or that has unknown condition operators, is a problem as a whole, since its effect
    cannot be known.
    """
    try:
        return Document(name, None, _statements(decode(raw)))
    except ValueError as problem:  # Malformed, or a number with more digits than Python converts to text
        return Document(name, str(problem), ())


def decode(raw: object) -> Mapping[str, Any]:
    """Return the document as an object. Raises Malformed for a text that is not JSON, or not an object."""
    if isinstance(raw, str):
        raw = _json(raw)
    if not isinstance(raw, Mapping):
        raise Malformed("the document is not a JSON object")
    return raw


def statements_of(document: Mapping[str, Any]) -> list[object]:
    """Check the elements of a decoded document, and return its statements. Raises Malformed."""
    for element in document:
        if element not in ("Version", "Id", "Statement"):
            raise Malformed(f"unknown element {brief(element)}")
    if document.get("Version", _VERSIONS[1]) not in _VERSIONS:
        raise Malformed(f"unknown Version {brief(document['Version'])}")
    if "Statement" not in document:
        raise Malformed("the document has no Statement")
    statements = document["Statement"]
    return list(statements) if isinstance(statements, list | tuple) else [statements]


def has_variables(document: Mapping[str, Any]) -> bool:
    """Tell whether `${…}` is a variable in this document (page "IAM JSON policy elements: Version")."""
    return document.get("Version") == VERSION_WITH_VARIABLES


def _statements(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    variables = has_variables(document)
    compiled = []
    for index, source in enumerate(statements_of(document)):
        try:
            compiled.append(compile_statement(source, index, variables=variables))
        except Malformed as problem:
            raise Malformed(f"statement {index + 1}: {problem}") from None
    return tuple(compiled)


def _json(text: str) -> object:
    for candidate in (text, unquote(text)):
        try:
            return json.loads(candidate, object_pairs_hook=_without_repeats)
        except Malformed:
            raise
        except (ValueError, RecursionError):
            continue
    raise Malformed("the document is not JSON, neither plain nor URL-encoded")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Reject duplicate keys, which `json` accepts but "Grammar of the IAM JSON policy language" forbids."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed(f"an element occurs twice among {', '.join(sorted(result))}")
    return result
