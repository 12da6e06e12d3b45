"""Answers whether a request is allowed, from all the policies that speak about its principal.

Page "Policy evaluation logic": an explicit Deny anywhere wins; then every level of SCPs, the permissions boundary and
the session policy must allow, each if there is one; and an identity policy must allow. What is unknown is carried
through to the end, so that `Undecided` comes only when another value of it could have changed the answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rollout.domain.iam.context import Facts, Request
from rollout.domain.iam.documents import Document
from rollout.domain.iam.logic import UNKNOWN
from rollout.domain.iam.statements import Effect, Statement

Kind: TypeAlias = Literal["identity", "boundary", "scp", "session"]
Outcome: TypeAlias = Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied"]


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that speaks about a principal.

    `identity` holds the principal's own policies and those of its groups. `scps` has one tuple a level, from the root
    down to the account; every level must allow, and a level without documents allows nothing. `()` means that no SCPs
    apply, as in the management account (AWS-FACTS §8).
    """

    identity: tuple[Document, ...]
    boundary: Document | None = None
    scps: tuple[tuple[Document, ...], ...] = ()
    session: Document | None = None


@dataclass(frozen=True, slots=True)
class Deciding:
    """A statement that decided, or that would have if the unknown were known."""

    document: str
    kind: Kind
    sid: str | None
    index: int
    effect: Effect

    def __str__(self) -> str:
        """For people: "DenyAllExceptListedIfNoMFA in ForceMFA"."""
        return f"{self.sid or f'statement {self.index + 1}'} in {self.document}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Nothing denies and every layer allows, by these statements."""

    because: tuple[Deciding, ...]


@dataclass(frozen=True, slots=True)
class ExplicitlyDenied:
    """At least one Deny statement applies; all that certainly do are named."""

    because: tuple[Deciding, ...]


@dataclass(frozen=True, slots=True)
class ImplicitlyDenied:
    """Nothing denies, and no statement of the layers named in `silent` allows; no statement decided."""

    because: tuple[Deciding, ...] = ()
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """What is unknown matters: the context keys, policy variables and unreadable documents in `unknown`.

    `possible` names the answers that remain, so that whoever asks "is it allowed?" may still learn that it is not.
    """

    because: tuple[Deciding, ...]
    unknown: tuple[str, ...]
    possible: tuple[Outcome, ...]


Decision: TypeAlias = Allowed | ExplicitlyDenied | ImplicitlyDenied | Undecided

_Layer: TypeAlias = tuple[Kind, str, tuple[Document, ...]]
_Voice: TypeAlias = tuple[Kind, Document, Statement]


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one layer said, of one effect: the statements that apply, those that may, the documents nobody can read."""

    called: str
    sure: list[_Voice]
    maybe: list[_Voice]
    unread: list[Document]

    @property
    def open(self) -> bool:
        return bool(not self.sure and (self.maybe or self.unread))


def evaluate(policies: Policies, request: Request) -> Decision:
    """Answer one request."""
    facts = request.facts()
    layers = tuple(_layers(policies))
    denials = [_hear(layer, "Deny", request, facts) for layer in layers]
    denying = [voice for heard in denials for voice in heard.sure]
    if denying:
        return ExplicitlyDenied(_deciding(denying))

    consents = [_hear(layer, "Allow", request, facts) for layer in layers]
    silent = tuple(heard.called for heard in consents if not heard.sure and not heard.open)
    open_denials = [heard for heard in denials if heard.open]
    open_consents = [heard for heard in consents if heard.open]
    if silent and not open_denials:
        return ImplicitlyDenied(silent=silent)
    if not open_denials and not open_consents:
        return Allowed(_deciding([voice for heard in consents for voice in heard.sure]))

    possible: list[Outcome] = []
    if not silent:
        possible.append("Allowed")
    if open_denials:
        possible.append("ExplicitlyDenied")
    if silent or open_consents:
        possible.append("ImplicitlyDenied")
    mattering = open_denials if silent else open_denials + open_consents
    return Undecided(
        because=_deciding([voice for heard in mattering for voice in heard.maybe]),
        unknown=_doubts(mattering, request, facts),
        possible=tuple(possible),
    )


def _hear(layer: _Layer, effect: Effect, request: Request, facts: Facts) -> _Heard:
    kind, called, documents = layer
    action = request.action.lower()
    heard = _Heard(called, [], [], [document for document in documents if document.problem is not None])
    for document in documents:
        for statement in document.about(action).of(effect):
            truth = statement.applies(request.resource, facts)
            if truth is not False:
                (heard.maybe if truth is UNKNOWN else heard.sure).append((kind, document, statement))
    return heard


def _layers(policies: Policies) -> Iterator[_Layer]:
    """Each layer that must allow: its kind, what people call it, its documents."""
    yield "identity", "identity policies", policies.identity
    if policies.boundary is not None:
        yield "boundary", f"permissions boundary {policies.boundary.name}", (policies.boundary,)
    for depth, documents in enumerate(policies.scps):
        yield "scp", f"SCPs of level {depth + 1}", documents
    if policies.session is not None:
        yield "session", f"session policy {policies.session.name}", (policies.session,)


def _doubts(mattering: list[_Heard], request: Request, facts: Facts) -> tuple[str, ...]:
    """Names the documents and keys behind what stayed open, each once."""
    names = [document.name for heard in mattering for document in heard.unread]
    for heard in mattering:
        for _, _, statement in heard.maybe:
            names.extend(statement.doubts(request.resource, facts))
    return tuple(dict.fromkeys(names))


def _deciding(voices: list[_Voice]) -> tuple[Deciding, ...]:
    return tuple(
        Deciding(document.name, kind, statement.sid, statement.index, statement.effect)
        for kind, document, statement in voices
    )
