"""Checks who runs this, and from where: identity, Region, endpoints, clock, session policies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rollout.domain.diagnosis.causes import causes_of
from rollout.domain.diagnosis.check import Check, Section, State
from rollout.domain.diagnosis.facts import EnvironmentFacts, Region, SessionSize, Trouble
from rollout.domain.people.organization import Caller

SLIGHT, TOO_MUCH = timedelta(seconds=60), timedelta(minutes=5)
"""AWS refuses signatures that are five minutes off."""


def check_caller(caller: Caller | Trouble, environment_facts: EnvironmentFacts) -> Iterator[Check]:
    """Check all that comes before the organization."""
    match caller:
        case Trouble(why=why, cure=cure):
            known = [cause.cure for cause in causes_of(caller)]
            yield _check("identity", State.FAILURE, why, known[0] if known else cure)
        case Caller():
            yield _identity(caller)
            yield _operators(caller)
    yield _region(environment_facts.region, caller)
    yield from _endpoints(environment_facts)
    if isinstance(caller, Caller):
        yield _clock(environment_facts)
    yield from _sessions(environment_facts.sessions)


def _identity(caller: Caller) -> Check:
    kind = _kind(caller.arn)
    text = f"{caller.arn}, {kind} of account {caller.account_id}, partition {caller.partition}"
    if kind == "the root user":
        return _check(
            "identity",
            State.FAILURE,
            f"{text}: the root user can take no roles",
            "use a role or a user of the management account",
        )
    return _check("identity", State.OK, text)


def _kind(arn: str) -> str:
    resource = arn.split(":", 5)[-1]
    kinds = {
        "user": "a user",
        "assumed-role": "a role session",
        "federated-user": "a federated user",
        "root": "the root user",
    }
    return kinds.get(resource.partition("/")[0], "an identity")


def _operators(caller: Caller) -> Check:
    names = sorted(arn.rpartition("/")[2] for arn in caller.operator_arns)
    if names:
        return _check("operator", State.OK, f"{', '.join(names)}: held as is-operator, and so never enforced")
    return _check("operator", State.OK, "no IAM user is behind these credentials, or none that can be told")


def _region(region: Region, caller: Caller | Trouble) -> Check:
    if isinstance(caller, Caller) and region.partition != caller.partition:
        return _check(
            "region",
            State.FAILURE,
            f"{region.name} lies in partition {region.partition}, the caller in {caller.partition}",
            f"set AWS_REGION to a Region of {caller.partition}",
        )
    if not region.chosen:
        return _check("region", State.OK, f"{region.name}, since none is configured")
    return _check("region", State.OK, region.name)


def _endpoints(environment_facts: EnvironmentFacts) -> Iterator[Check]:
    for endpoint in sorted(environment_facts.endpoints, key=lambda one: one.service):
        name = f"endpoint of {endpoint.service}"
        if endpoint.of_aws:
            yield _check(name, State.OK, endpoint.url)
        elif endpoint.here:
            yield _check(name, State.OK, f"{endpoint.url}, on this machine, as configured")
        else:
            yield _check(
                name,
                State.WARNING,
                f"{endpoint.url} is not AWS's own: signed calls go there",
                "if that is not meant, unset AWS_ENDPOINT_URL and endpoint_url in the AWS configuration",
            )


def _clock(environment_facts: EnvironmentFacts) -> Check:
    if environment_facts.skew is None:
        return _check("clock", State.WARNING, "AWS's time is not known: no answer carried one")
    ahead = environment_facts.skew > timedelta()
    off = abs(environment_facts.skew)
    side = "ahead of" if ahead else "behind"
    text = f"this machine's clock is {_spelled(off)} {side} AWS's"
    if off > SLIGHT and any(endpoint.here for endpoint in environment_facts.endpoints):
        return _check(
            "clock", State.OK, f"{text}: AWS is an endpoint on this machine, with a clock of its own"
        )
    cure = "set this machine's clock by a time server"
    if off > TOO_MUCH:
        return _check("clock", State.FAILURE, f"{text}: AWS refuses signatures so far off", cure)
    if off > SLIGHT:
        return _check("clock", State.WARNING, text, cure)
    return _check("clock", State.OK, text)


def _spelled(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _sessions(sizes: tuple[SessionSize, ...] | Trouble) -> Iterator[Check]:
    if isinstance(sizes, Trouble):
        yield _check("session policies", State.FAILURE, sizes.why, sizes.cure)
    elif sizes:
        text = ", ".join(f"{size.purpose} {size.characters:,} of {size.limit:,} characters" for size in sizes)
        yield _check("session policies", State.OK, text)


def _check(name: str, state: State, text: str, cure: str = "") -> Check:
    return Check(Section.CALLER, name, state, text, (cure,) if cure else ())
