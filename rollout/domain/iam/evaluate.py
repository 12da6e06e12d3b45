"""Decides whether a request is allowed by the policies that apply to its principal.

See the page "Policy evaluation logic": an explicit Deny in any policy takes precedence; then every level of SCPs, the
permissions boundary and the session policy must allow the request, where they exist; and an identity policy must allow
it. Unknowns are carried through, so that the result is `Undecided` only when it depends on one. (Each statement is
evaluated on its own: two that allow by opposite tests of one unknown key still give `Undecided`.)

Resource policies are not considered. Operations that AWS allows regardless of policies (`sts:GetCallerIdentity`,
aws-facts.md#eventual-consistency; `sts:GetSessionToken` without an Allow, aws-facts.md#caveats) get no special
treatment.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rollout.domain.iam.context import Request, RequestFacts
from rollout.domain.iam.documents import Deciding, Document, Kind
from rollout.domain.iam.logic import UNKNOWN
from rollout.domain.iam.statements import Effect, Statement

Outcome: TypeAlias = Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied"]


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that apply to a principal.

    `identity` contains the principal's own policies and those of its groups. `scps` has one tuple per level, from the
    root down to the account; every level must allow, and a level without documents allows nothing. `()` means that no
    SCPs apply, as in the management account (aws-facts.md#organizations).
    """

    identity: tuple[Document, ...]
    boundary: Document | None = None
    scps: tuple[tuple[Document, ...], ...] = ()
    session: Document | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Nothing denies the request and every layer allows it, through these statements."""

    because: tuple[Deciding, ...]


@dataclass(frozen=True, slots=True)
class ExplicitlyDenied:
    """At least one Deny statement applies; those that certainly apply are listed."""

    because: tuple[Deciding, ...]


@dataclass(frozen=True, slots=True)
class SilentLayer:
    """A layer that does not allow a request: its kind, and its name for messages."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class ImplicitlyDenied:
    """Nothing denies the request, but the layers named in `silent` do not allow it."""

    because: tuple[Deciding, ...] = ()
    silent: tuple[SilentLayer, ...] = ()


@dataclass(frozen=True, slots=True)
class Undecided:
    """The result depends on the context keys, policy variables and unreadable documents named in `unknown`.

    `possible` lists the results that remain possible; without `Allowed` among them, the request is denied in any case.
    """

    because: tuple[Deciding, ...]
    unknown: tuple[str, ...]
    possible: tuple[Outcome, ...]


Decision: TypeAlias = Allowed | ExplicitlyDenied | ImplicitlyDenied | Undecided

_Layer: TypeAlias = tuple[Kind, tuple[Document, ...]]
_StatementInDocument: TypeAlias = tuple[Kind, Document, Statement]


@dataclass(slots=True)
class _LayerResults:
    """Results of the layers: statements that apply or may apply, unreadable documents, layers that do not allow."""

    sure: list[_StatementInDocument] = field(default_factory=list)
    maybe: list[_StatementInDocument] = field(default_factory=list)
    unread: list[Document] = field(default_factory=list)
    silent: list[int] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return bool(self.maybe or self.unread)


def evaluate(policies: Policies, request: Request) -> Decision:
    """Evaluate one request."""
    facts = request.facts()
    action = request.action.lower()
    layers = _layers(policies)
    denials = _LayerResults()
    for layer in layers:
        _collect(layer, "Deny", denials, action, request.resource, facts)
    if denials.sure:
        return ExplicitlyDenied(_deciding(denials.sure))

    consents = _collect_allows(layers, action, request.resource, facts)
    if not denials.open:
        if consents.silent:
            return ImplicitlyDenied(silent=tuple(_silent_layer(place, policies) for place in consents.silent))
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
        because=_deciding([each for results in mattering for each in results.maybe]),
        unknown=_doubts(mattering, request, facts),
        possible=tuple(possible),
    )


def _layers(policies: Policies) -> list[_Layer]:
    """List the layers that must all allow the request, in the order that `_silent_layer` expects."""
    layers: list[_Layer] = [("identity", policies.identity)]
    layers += [("scp", documents) for documents in policies.scps]
    if policies.boundary is not None:
        layers.append(("boundary", (policies.boundary,)))
    if policies.session is not None:
        layers.append(("session", (policies.session,)))
    return layers


def _silent_layer(place: int, policies: Policies) -> SilentLayer:
    """Name the layer at a position of `_layers` for messages."""
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


def _collect_allows(layers: list[_Layer], action: str, resource: str, facts: RequestFacts) -> _LayerResults:
    """Evaluate the Allow statements of the layers; unknowns are ignored in a layer that certainly allows."""
    consents = _LayerResults()
    for place, layer in enumerate(layers):
        here = _LayerResults()
        _collect(layer, "Allow", here, action, resource, facts)
        if here.sure:
            consents.sure += here.sure
        elif here.open:
            consents.maybe += here.maybe
            consents.unread += here.unread
        else:
            consents.silent.append(place)
    return consents


def _collect(
    layer: _Layer, effect: Effect, results: _LayerResults, action: str, resource: str, facts: RequestFacts
) -> None:
    """Add the results of one layer's statements with one effect to `results`."""
    kind, documents = layer
    for document in documents:
        if document.problem is not None:
            results.unread.append(document)
        for statement in document.about(action).of(effect):
            truth = statement.applies(resource, facts)
            if truth is True:
                results.sure.append((kind, document, statement))
            elif truth is UNKNOWN:
                results.maybe.append((kind, document, statement))


def _doubts(mattering: list[_LayerResults], request: Request, facts: RequestFacts) -> tuple[str, ...]:
    """Name the documents and keys that left the result open, each once."""
    names = [document.name for results in mattering for document in results.unread]
    for results in mattering:
        for _, _, statement in results.maybe:
            names.extend(statement.doubts(request.resource, facts))
    return tuple(dict.fromkeys(names))


def _deciding(found: list[_StatementInDocument]) -> tuple[Deciding, ...]:
    return tuple(document.deciding(statement, kind) for kind, document, statement in found)
