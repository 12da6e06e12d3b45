"""Gathers the policies that apply to one user; each document is parsed once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rollout.domain.iam import Document, Policies, parse_document
from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.users import NamedPolicy, User
from rollout.domain.verdicts.requests import ASKED
from rollout.domain.verdicts.same_for_all import says_same_for_all

_MOST_DOCUMENTS = 4_096


class Library:
    """Parsed documents by their text: a document that a thousand accounts share is parsed once.

    It does not grow with the organization: of too many documents none is kept, and those still needed are parsed again.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._parsed: dict[tuple[str, str], Document] = {}
        self._seen: dict[int, tuple[object, Document]] = {}
        self._same_for_all: dict[Document, bool] = {}
        self._matters: dict[Document, bool] = {}

    def __reduce__(self) -> tuple[type[Library], tuple[()]]:
        """Begin anew in another process: parsing is cheaper than taking along what was parsed."""
        return Library, ()

    def parse(self, document: object, name: str) -> Document:
        """Parse a raw document, or return the one parsed before."""
        known = self._seen.get(id(document))
        # The raw object is kept with its id, so that the id is not reused for another object.
        if known is not None and known[0] is document and known[1].name == name:
            return known[1]
        if max(len(self._seen), len(self._parsed)) >= _MOST_DOCUMENTS:
            self._parsed, self._seen, self._same_for_all, self._matters = {}, {}, {}, {}
        key = (name, repr(document))
        parsed = self._parsed.get(key)
        if parsed is None:
            raw = document if isinstance(document, str | Mapping) else str(document)
            parsed = self._parsed[key] = parse_document(raw, name)
        self._seen[id(document)] = (document, parsed)
        return parsed

    def says_same_for_all(self, document: Document) -> bool:
        """Tell whether a document treats all users of an account alike, those with and those without a path apart."""
        known = self._same_for_all.get(document)
        if known is None:
            known = self._same_for_all[document] = document.problem is None and says_same_for_all(document)
        return known

    def matters(self, document: Document) -> bool:
        """Tell whether a document of a user's own can change an answer: it denies, covers what is asked, or is unknown.

        Most do not: they allow some services and nothing else.
        """
        known = self._matters.get(document)
        if known is None:
            known = self._matters[document] = document.problem is not None or any(
                statement.effect == "Deny" or any(map(statement.actions.cover, ASKED))
                for statement in document.statements
            )
        return known

    @property
    def distinct(self) -> int:
        """How many different documents there are."""
        return len(self._parsed)


def short(name: str) -> str:
    """Return the name in an ARN; other names are returned unchanged."""
    return name.rsplit("/", 1)[-1] if name.startswith("arn:") else name


@dataclass(frozen=True, slots=True)
class UserRights:
    """The policies that apply to one user. `scps` is None if they could not be read."""

    identity: tuple[Document, ...]
    boundary: Document | None
    scps: tuple[tuple[Document, ...], ...] | None

    def policies(self, *extra: Document) -> Policies:
        """Return the policies to evaluate for a request, with `extra` documents added as if they were attached."""
        return Policies((*self.identity, *extra), self.boundary, self.scps or ())


def rights_of(
    user: User,
    facts: AccountFacts,
    scps: tuple[tuple[NamedPolicy, ...], ...] | None,
    library: Library,
    without: Collection[str] = (),
) -> UserRights:
    """Gather a user's documents: inline, attached, through groups; `without` names policy ARNs and groups to leave out.

    An attached policy that was not read becomes a document with a problem, so that it counts as unknown.
    """
    identity: dict[int, Document] = {}
    for document in _identity(user, facts, library, without):
        identity.setdefault(id(document), document)
    boundary = _managed(user.boundary_arn, facts, library) if user.boundary_arn else None
    levels = None if scps is None else tuple(_level(level, library) for level in scps)
    return UserRights(tuple(identity.values()), boundary, levels)


def _identity(user: User, facts: AccountFacts, library: Library, without: Collection[str]) -> list[Document]:
    documents = [library.parse(policy.document, f"inline policy {policy.name}") for policy in user.inline]
    documents += [_managed(arn, facts, library) for arn in user.attached if arn not in without]
    for name in user.groups:
        if name in without:
            continue
        group = facts.groups.get(name)
        if group is None:
            documents.append(library.parse("(not read)", f"group {name}"))
            continue
        documents += [
            library.parse(policy.document, f"inline policy {policy.name} of group {name}")
            for policy in group.inline
        ]
        documents += [_managed(arn, facts, library) for arn in group.attached if arn not in without]
    return documents


def _managed(arn: str, facts: AccountFacts, library: Library) -> Document:
    policy = facts.policies.get(arn)
    default = policy.default if policy else None
    return library.parse(default.document if default else "(not read)", arn)


def _level(level: tuple[NamedPolicy, ...], library: Library) -> tuple[Document, ...]:
    return tuple(library.parse(policy.document, f"SCP {policy.name}") for policy in level)
