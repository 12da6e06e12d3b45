"""Asks the requests that decide a verdict: can the user enrol, and is everything else denied without MFA?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.iam import Allowed, Context, Decision, Policies, Request, evaluate, left_open
from rollout.domain.people.users import User

ENROLMENT = (
    "iam:CreateVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:ListMFADevices",
    "iam:ResyncMFADevice",
    "iam:GetUser",
    "iam:ListVirtualMFADevices",
)
CONSOLE_SESSION = ("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token")
CHANGE_PASSWORD = "iam:ChangePassword"  # noqa: S105 - an action's name
SESSION_TOKEN = "sts:GetSessionToken"  # noqa: S105 - an action's name
# What the console does to register a passkey or security key, and the value of `iam:RegisterSecurityKey` in each
# request; for other devices, the key is absent (aws-facts.md#doors-and-credentials-found-later).
PASSKEY_ENROLMENT = (
    ("iam:EnableMFADevice", "Create"),
    ("iam:EnableMFADevice", "Activate"),
    ("iam:ListMFADevices", ""),
    ("iam:GetUser", ""),
    (SESSION_TOKEN, ""),
)
# How well a security key is certified; known only when it is registered.
FIDO_KEYS = (
    "iam:FIDO-certification",
    "iam:FIDO-FIPS-140-2-certification",
    "iam:FIDO-FIPS-140-3-certification",
)
# What `aws login` needs, once the user has signed in with MFA.
AWS_LOGIN = ("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token")

# Context keys whose values cannot be known in advance; for enrolment, `rules.context` may supply any of them.
UNKNOWABLE = (
    "aws:SourceIp",
    "aws:VpcSourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:SourceVpcArn",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:UserAgent",
    "aws:Referer",
    "aws:TokenIssueTime",
    "aws:PrincipalOrgPaths",
    "aws:ResourceOrgPaths",
    "aws:SignInSessionArn",
)


MFA_STATES = ("absent", "false")
# Set by the two states, so no setting may supply them.
MFA_KEYS = frozenset({"aws:multifactorauthpresent", "aws:multifactorauthage"})
ContextValue = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """One request and its answer; `mfa` is the state of `aws:MultiFactorAuthPresent`: `absent`, `false` or `true`.

    `action` names a condition key in brackets where the same action is asked with several values of it.
    """

    action: str
    resource: str
    mfa: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class RequestEnvironment:
    """What is known of every request, whoever makes it; `now` is the time of the request."""

    partition: str
    organization_id: str
    now: datetime
    context: Mapping[str, ContextValue]

    def known(self) -> dict[str, ContextValue]:
        """Return the context keys, in lower case, that are the same for everybody who enrols."""
        values: dict[str, ContextValue] = {
            "aws:securetransport": "true",
            "aws:viaawsservice": "false",
            "aws:principalisawsservice": "false",
            "aws:requestedregion": home_region(self.partition),
            "aws:currenttime": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:epochtime": str(int(self.now.timestamp())),
        }
        if self.organization_id:
            values["aws:principalorgid"] = values["aws:resourceorgid"] = self.organization_id
        return values | self.supplied()

    def supplied(self) -> dict[str, ContextValue]:
        """Return the context keys of `rules.context`, in lower case."""
        return {key.lower(): value for key, value in self.context.items() if key.lower() not in MFA_KEYS}


class Asker:
    """Asks a user's requests without MFA in both states: long-term keys (key absent) and console sessions (false).

    Each context is built once for each kind of resource: the user itself, another user, or neither. Probes of a Deny
    may come from anywhere, so `rules.context`, which describes people who enrol, does not apply to them.
    """

    def __init__(self, user: User, world: RequestEnvironment) -> None:
        """Prepare what is known of the user's requests."""
        self._user = user
        self._partition = world.partition
        known = world.known()
        for key, value in user.tags.items():
            known.setdefault(f"aws:principaltag/{key.lower()}", value)
        known.setdefault("aws:userid", user.id)
        known.setdefault("aws:resourceaccount", user.account_id)
        self._known = known
        self._unknown = [key for key in UNKNOWABLE if key.lower() not in known]
        self._anywhere = frozenset({"aws:requestedregion", *map(str.lower, UNKNOWABLE), *world.supplied()})
        self._contexts: dict[tuple[str, str, bool], Context] = {}

    def enrolment(self, policies: Policies) -> Iterator[AnsweredRequest]:
        """Ask every step of enrolling a virtual device (aws-facts.md#tags-boundaries-lock-out-detection).

        `sts:GetSessionToken` needs no permission; it is asked because an explicit Deny may apply.
        """
        for action in (*ENROLMENT, SESSION_TOKEN):
            resources = _enrolment_resources(action, self._user, self._partition)
            for mfa in MFA_STATES:
                yield self._best(action, resources, mfa, policies)

    def passkey(self, policies: Policies) -> Iterator[AnsweredRequest]:
        """Ask every step of registering a passkey or security key on the console, without MFA."""
        for action, step in PASSKEY_ENROLMENT:
            if not step:
                (resource,) = _enrolment_resources(action, self._user, self._partition)
                yield self._ask(action, resource, "false", policies)
                continue
            context = self._new_context("own", "false", frozenset(), step)
            request = Request(action, self._user.arn, self._user.arn, context)
            named = f"{action} (iam:RegisterSecurityKey={step})"
            yield AnsweredRequest(named, self._user.arn, "false", evaluate(policies, request))

    def aws_login(self, policies: Policies) -> Iterator[AnsweredRequest]:
        """Ask what `aws login` needs of a user who has signed in to the console with MFA."""
        region = home_region(self._partition)
        client = (
            f"arn:{self._partition}:signin:{region}:{self._user.account_id}:oauth2/public-client/localhost"
        )
        for action in AWS_LOGIN:
            yield self._ask(action, client, "true", policies)

    def password_change(self, policies: Policies) -> Iterator[AnsweredRequest]:
        """Ask whether the user may set a password without MFA, as an initial or expired one requires.

        See aws-facts.md#caveats.
        """
        for mfa in MFA_STATES:
            yield self._ask(CHANGE_PASSWORD, self._user.arn, mfa, policies)

    def console_session(self, policies: Policies) -> Iterator[AnsweredRequest]:
        """Ask what AWS Sign-In weighs after the password, where console authorization is on.

        AWS documents which keys these requests carry, and none about MFA is among them: it may be absent after a
        sign-in with MFA too. See aws-facts.md#doors-and-credentials-found-later.
        """
        for action in CONSOLE_SESSION:
            for mfa in MFA_STATES:
                yield self._ask(action, "*", mfa, policies)

    def denials(self, policies: Policies) -> Iterator[AnsweredRequest]:
        """Ask every probe of "is everything denied without MFA?" (design.md#verdicts)."""
        for action, resource in probes(self._user, self._partition):
            for mfa in MFA_STATES:
                yield self._ask(action, resource, mfa, policies, probing=True)

    def left_open(self, policies: Policies) -> tuple[str, ...]:
        """Name what no Deny that applies without MFA denies, in either state; `*` where there is no such Deny."""
        layers = (policies.identity, *policies.scps, (policies.boundary,) if policies.boundary else ())
        denials = [
            statement
            for documents in layers
            for document in documents
            for statement in document.statements
            if statement.effect == "Deny" and document.problem is None
        ]
        somewhere = f"arn:{self._partition}:madeup:::thing"
        found: set[str] = set()
        for mfa in MFA_STATES:
            context = self._context(somewhere, mfa, probing=True)
            facts = Request("madeup:DoAnything", somewhere, self._user.arn, context).facts()
            sure = [one for one in denials if all(each.holds(facts) is True for each in one.conditions)]
            found.update(left_open(sure))
        return tuple(sorted(found))

    def _best(self, action: str, resources: tuple[str, ...], mfa: str, policies: Policies) -> AnsweredRequest:
        first = self._ask(action, resources[0], mfa, policies)
        if isinstance(first.decision, Allowed):
            return first
        others = (self._ask(action, resource, mfa, policies) for resource in resources[1:])
        return next((asked for asked in others if isinstance(asked.decision, Allowed)), first)

    def _ask(
        self, action: str, resource: str, mfa: str, policies: Policies, *, probing: bool = False
    ) -> AnsweredRequest:
        request = Request(action, resource, self._user.arn, self._context(resource, mfa, probing=probing))
        return AnsweredRequest(action, resource, mfa, evaluate(policies, request))

    def _context(self, resource: str, mfa: str, *, probing: bool) -> Context:
        own = resource == self._user.arn
        nobody = resource == "*" or ":mfa/" in resource or ":oauth2/" in resource
        kind = "own" if own else "none" if nobody else "other"
        context = self._contexts.get((kind, mfa, probing))
        if context is None:
            unknowable = self._anywhere if probing else frozenset()
            context = self._contexts[kind, mfa, probing] = self._new_context(kind, mfa, unknowable)
        return context

    def _new_context(self, kind: str, mfa: str, unknowable: frozenset[str], step: str = "") -> Context:
        values = {key: value for key, value in self._known.items() if key not in unknowable}
        unknown = [*self._unknown, *unknowable]
        if kind == "own":
            # The user is also the resource, so the resource has the user's tags.
            for key, value in self._user.tags.items():
                values[f"aws:resourcetag/{key.lower()}"] = value
                values[f"iam:resourcetag/{key.lower()}"] = value
        elif kind == "other":
            unknown += ["aws:ResourceTag/*", "iam:ResourceTag/*"]
        if mfa != "absent":
            values["aws:multifactorauthpresent"] = mfa
        if mfa == "true":
            unknown.append("aws:MultiFactorAuthAge")
        if step:
            values["iam:registersecuritykey"] = step
        if step == "Activate":
            unknown += [key for key in FIDO_KEYS if key.lower() not in values]
        return Context(values, unknown)


PROBED = (
    "s3:ListAllMyBuckets",
    "ec2:DescribeInstances",
    "madeup:DoAnything",
    "sts:AssumeRole",
    "iam:CreateUser",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
)


ASKED = frozenset(
    action.lower()
    for action in (
        *ENROLMENT,
        SESSION_TOKEN,
        *(action for action, _ in PASSKEY_ENROLMENT),
        *CONSOLE_SESSION,
        *AWS_LOGIN,
        CHANGE_PASSWORD,
        *PROBED,
    )
)
"""Every action that is asked, in lower case."""


def probes(user: User, partition: str) -> Iterable[tuple[str, str]]:
    """List actions and resources to probe: two reads, a service that does not exist, and ways to gain more rights."""
    other = f"arn:{partition}:iam::{user.account_id}:user/rollout-probe/somebody-else"
    fictitious = f"arn:{partition}:madeup:{home_region(partition)}:{user.account_id}:thing/any"
    role = f"arn:{partition}:iam::{user.account_id}:role/rollout-probe"
    return tuple(zip(PROBED, ("*", "*", fictitious, role, other, other, other), strict=True))


def home_region(partition: str) -> str:
    """Name the Region that hosts IAM in a partition (aws-facts.md#partitions-regions-endpoints)."""
    homes = {
        "aws-us-gov": "us-gov-west-1",
        "aws-cn": "cn-north-1",
        "aws-iso": "us-iso-east-1",
        "aws-iso-b": "us-isob-east-1",
        "aws-iso-e": "eu-isoe-west-1",
        "aws-iso-f": "us-isof-south-1",
        "aws-eusc": "eusc-de-east-1",
    }
    return homes.get(partition, "us-east-1")


def _enrolment_resources(action: str, user: User, partition: str) -> tuple[str, ...]:
    if action == "iam:CreateVirtualMFADevice":
        # Any device name will do: the user's own name is customary, but one allowed name is enough.
        prefix = f"arn:{partition}:iam::{user.account_id}:mfa/"
        return (f"{prefix}{user.name}", f"{prefix}rollout-probe")
    return ("*",) if action in ("iam:ListVirtualMFADevices", SESSION_TOKEN) else (user.arn,)
