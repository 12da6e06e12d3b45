"""Answers whether a request is allowed, from all the policies that speak about its principal.

Page "Policy evaluation logic": an explicit Deny anywhere wins; then every level of SCPs, the permissions boundary and
the session policy must allow, each if there is one; and an identity policy must allow. What is unknown is carried
through to the end, so that `Undecided` comes only when a statement that could tip the answer hangs on it. (Each
statement is looked at by itself: two that allow by opposite tests of one unknown key still make `Undecided`.)

This is what policies say, and no more: resource policies are not looked at, and operations that AWS carries out
whatever policies say (`sts:GetCallerIdentity`, aws-facts.md#eventual-consistency; `sts:GetSessionToken` without an
Allow, aws-facts.md#caveats) are answered
like any other.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rollout.domain.iam.context import Facts, Request
from rollout.domain.iam.documents import Deciding, Document, Kind
from rollout.domain.iam.logic import UNKNOWN
from rollout.domain.iam.statements import Effect, Statement

Outcome: TypeAlias = Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied"]


@dataclass(frozen=True, slots=True)
class Policies:
    """Everything that speaks about a principal.

    `identity` holds the principal's own policies and those of its groups. `scps` has one tuple a level, from the root
    down to the account; every level must allow, and a level without documents allows nothing. `()` means that no SCPs
    apply, as in the management account (aws-facts.md#organizations).
    """

    identity: tuple[Document, ...]
    boundary: Document | None = None
    scps: tuple[tuple[Document, ...], ...] = ()
    session: Document | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Nothing denies and every layer allows, by these statements."""

    because: tuple[Deciding, ...]


@dataclass(frozen=True, slots=True)
class ExplicitlyDenied:
    """At least one Deny statement applies; all that certainly do are named."""

    because: tuple[Deciding, ...]


@dataclass(frozen=True, slots=True)
class SilentLayer:
    """A layer that does not allow a request: its kind, and its name for a person."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class ImplicitlyDenied:
    """Nothing denies, and no statement of the layers named in `silent` allows; no statement decided."""

    because: tuple[Deciding, ...] = ()
    silent: tuple[SilentLayer, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """What is unknown matters: the context keys, policy variables and unreadable documents in `unknown`.

    `possible` names the answers that remain, so that whoever asks "is it allowed?" may still learn that it is not.
    """

    because: tuple[Deciding, ...]
    unknown: tuple[str, ...]
    possible: tuple[Outcome, ...]


Decision: TypeAlias = Allowed | ExplicitlyDenied | ImplicitlyDenied | Undecided

_Layer: TypeAlias = tuple[Kind, tuple[Document, ...]]
_Voice: TypeAlias = tuple[Kind, Document, Statement]


@dataclass(slots=True)
class _Heard:
    """What the layers say: statements that apply, statements that may, documents nobody can read, silent layers."""

    sure: list[_Voice] = field(default_factory=list)
    maybe: list[_Voice] = field(default_factory=list)
    unread: list[Document] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return bool(self.maybe or self.unread)


def evaluate(policies: Policies, request: Request) -> Decision:
    """Answer one request."""
    facts = request.facts()
    action = request.action.lower()
    layers = _layers(policies)
    denials = _Heard()
    for layer in layers:
        _hear(layer, "Deny", denials, action, request.resource, facts)
    if denials.sure:
        return ExplicitlyDenied(_deciding(denials.sure))

    consents = _consents(layers, action, request.resource, facts)
    if not denials.open:
        if consents.silent:
            return ImplicitlyDenied(silent=tuple(_named(place, policies) for place in consents.silent))
        if not consents.open:
            return Allowed(_deciding(consents.sure))

    possible: list[Outcome] = []
    if not consents.silent:
        possible.append("Allowed")
    if denials.open:
        possible.append("ExplicitlyDenied")
    if consents.silent or consents.open:
        possible.append("ImplicitlyDenied")
    mattering = [denials] if consents.silent else [denials, consents]
    return Undecided(
        because=_deciding([voice for heard in mattering for voice in heard.maybe]),
        unknown=_doubts(mattering, request, facts),
        possible=tuple(possible),
    )


def _layers(policies: Policies) -> list[_Layer]:
    """The layers that must each allow; `_named` knows the order."""
    layers: list[_Layer] = [("identity", policies.identity)]
    layers += [("scp", documents) for documents in policies.scps]
    if policies.boundary is not None:
        layers.append(("boundary", (policies.boundary,)))
    if policies.session is not None:
        layers.append(("session", (policies.session,)))
    return layers


def _named(place: int, policies: Policies) -> SilentLayer:
    """Name the layer at a place of `_layers` as people call it."""
    kind, documents = _layers(policies)[place]
    match kind:
        case "identity":
            return SilentLayer(kind, "identity policies")
        case "scp":
            return SilentLayer(kind, f"SCPs of level {place}")
        case "boundary":
            return SilentLayer(kind, f"permissions boundary {documents[0].name}")
        case "session":
            return SilentLayer(kind, f"session policy {documents[0].name}")


def _consents(layers: list[_Layer], action: str, resource: str, facts: Facts) -> _Heard:
    """What the layers allow; a layer that surely allows is not asked for its doubts."""
    consents = _Heard()
    for place, layer in enumerate(layers):
        here = _Heard()
        _hear(layer, "Allow", here, action, resource, facts)
        if here.sure:
            consents.sure += here.sure
        elif here.open:
            consents.maybe += here.maybe
            consents.unread += here.unread
        else:
            consents.silent.append(place)
    return consents


def _hear(layer: _Layer, effect: Effect, heard: _Heard, action: str, resource: str, facts: Facts) -> None:
    """Add to `heard` what the statements of one effect in one layer say."""
    kind, documents = layer
    for document in documents:
        if document.problem is not None:
            heard.unread.append(document)
        for statement in document.about(action).of(effect):
            truth = statement.applies(resource, facts)
            if truth is True:
                heard.sure.append((kind, document, statement))
            elif truth is UNKNOWN:
                heard.maybe.append((kind, document, statement))


def _doubts(mattering: list[_Heard], request: Request, facts: Facts) -> tuple[str, ...]:
    """Names the documents and keys behind what stayed open, each once."""
    names = [document.name for heard in mattering for document in heard.unread]
    for heard in mattering:
        for _, _, statement in heard.maybe:
            names.extend(statement.doubts(request.resource, facts))
    return tuple(dict.fromkeys(names))


def _deciding(voices: list[_Voice]) -> tuple[Deciding, ...]:
    return tuple(document.deciding(statement, kind) for kind, document, statement in voices)
