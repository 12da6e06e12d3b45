"""Foretells by the evaluator how AWS will answer a question, from the very documents that are in force for it."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.iam import (
    Allowed,
    Context,
    Decision,
    Document,
    ExplicitlyDenied,
    Policies,
    Request,
    Undecided,
    evaluate,
    parse_document,
)
from rollout.domain.people.users import NamedPolicy
from rollout.domain.proof.proof_questions import Expected, InForce, ProofQuestion, SignedBy
from rollout.domain.proof.proof_steps import ProofDocuments
from rollout.domain.proof.proof_users import MUST_CHANGE, PATH, ProofUser
from rollout.domain.verdicts.requests import SESSION_TOKEN, UNKNOWABLE, RequestEnvironment

_WITH_MFA = (SignedBy.CODE, SignedBy.SESSION, SignedBy.URL_AFTER, SignedBy.BROWSER_MFA)


@dataclass(frozen=True, slots=True)
class Foretold:
    """What is foretold. `by_policy` leaves out boundary and SCPs: it is what the policy alone comes to.

    `because` names the statement, boundary or SCP, or what the answer turns on.
    """

    expected: Expected
    by_policy: Expected
    because: str


@dataclass(frozen=True, slots=True)
class ProofWorld:
    """The account as far as answers turn on it. `scps` has one tuple a level, root first."""

    account_id: str
    environment: RequestEnvironment
    documents: ProofDocuments
    scps: tuple[tuple[Document, ...], ...] = ()

    def arn(self, resource: str) -> str:
        """Return the ARN of an IAM resource of this account."""
        return f"arn:{self.environment.partition}:iam::{self.account_id}:{resource}"


def scps_of(
    levels: tuple[tuple[NamedPolicy, ...], ...] | None,
) -> tuple[tuple[Document, ...], ...]:
    """Parse the SCPs of an account; where they could not be read, one of unknown content, which leaves answers open."""
    if levels is None:
        return ((parse_document("(not read)", "service control policies"),),)
    return tuple(
        tuple(parse_document(policy.document, f"SCP {policy.name}") for policy in level) for level in levels
    )


def foretell(question: ProofQuestion, world: ProofWorld) -> Foretold:
    """Evaluate one question. A rule of AWS's own goes before what the policies say."""
    identity, boundary = _documents(question, world)
    request = Request(
        question.action,
        resource_of(question, world),
        world.arn(_user(question.user)),
        _context(question, world),
    )
    decision = evaluate(Policies(identity, boundary, world.scps), request)
    alone = evaluate(Policies(identity), request)
    expected = _expected(decision, question.action)
    if question.by_aws is not None:
        return Foretold(question.by_aws, _expected(alone, question.action), question.reason)
    return Foretold(expected, _expected(alone, question.action), _because(decision))


def resource_of(question: ProofQuestion, world: ProofWorld) -> str:
    """Return the ARN that the call is authorized on, or `*`."""
    user, names = question.user, world.documents.names
    match question.about:
        case "own":
            return world.arn(_user(user))
        case "second" if question.operation == "iam:CreateVirtualMFADevice":
            return world.arn(f"mfa{PATH}{user.device}-2")
        case "second":
            return world.arn(_user(user))
        case "other":
            return world.arn(_user(other_than(user)))
        case "device":
            return world.arn(f"mfa{PATH}{user.device}")
        case "role":
            return world.arn(f"role{PATH}{names.role}")
        case _:
            return "*"


def other_than(user: ProofUser) -> ProofUser:
    """Return the user whose devices and keys somebody tries: nothing later turns on that one's."""
    return ProofUser(user.proof_id, MUST_CHANGE, user.way)


def _user(user: ProofUser) -> str:
    return f"user{user.persona.path}{user.name}"


def _documents(question: ProofQuestion, world: ProofWorld) -> tuple[tuple[Document, ...], Document | None]:
    documents, user = world.documents, question.user
    names = documents.names
    first = documents.first
    identity = [_parsed(world, names.rights)]
    if user.persona.early:
        identity.append(_parsed(world, names.enrolment))
    match question.in_force:
        case InForce.FULL:
            identity.append(parse_document(documents.full, names.policy))
        case InForce.BRAKE:
            identity.append(parse_document(first[names.policy], names.policy))
        case InForce.NOTHING:
            pass
    return tuple(identity), _parsed(world, names.boundary) if user.persona.bounded else None


def _parsed(world: ProofWorld, name: str) -> Document:
    return parse_document(world.documents.first[name], name)


def _context(question: ProofQuestion, world: ProofWorld) -> Context:
    values = world.environment.known()
    values["aws:resourceaccount"] = world.account_id
    unknown = [*UNKNOWABLE, "aws:userid", "aws:PrincipalTag/*", "aws:ResourceTag/*", "iam:ResourceTag/*"]
    if not question.action.startswith(("iam:", "sts:")):
        values.pop("aws:requestedregion", None)
        unknown.append("aws:RequestedRegion")
    if question.signed_by in _WITH_MFA:
        values["aws:multifactorauthpresent"] = "true"
        unknown.append("aws:MultiFactorAuthAge")
    if (
        question.signed_by is SignedBy.BROWSER
    ):  # the console uses temporary credentials, which say that there was none
        values["aws:multifactorauthpresent"] = "false"
    return Context(values, [key for key in unknown if key.lower() not in values])


def _expected(decision: Decision, action: str) -> Expected:
    match decision:
        case Allowed():
            return Expected.ALLOWED
        case Undecided(possible=possible) if "Allowed" in possible:
            return Expected.OPEN
        case Undecided() | ExplicitlyDenied():
            return Expected.DENIED
        case _ if action == SESSION_TOKEN:  # it needs no permission; only a Deny could stop it
            return Expected.ALLOWED
        case _:
            return Expected.DENIED


def _because(decision: Decision) -> str:
    match decision:
        case Allowed(because=because) | ExplicitlyDenied(because=because):
            return "; ".join(dict.fromkeys(map(str, because)))
        case Undecided(unknown=unknown):
            return f"turns on {', '.join(unknown)}"
        case _:
            return f"no Allow in {' and '.join(layer.name for layer in decision.silent)}"
