"""Checks the caller and its environment: identity, Region, endpoints, clock, session policies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rollout.domain.diagnosis.check import Check, CheckAnswer, failure, ok, warning
from rollout.domain.diagnosis.facts import DoctorFacts, NoAnswer
from rollout.domain.people.organization import Caller

SLIGHT, TOO_MUCH = timedelta(seconds=60), timedelta(minutes=5)
"""AWS refuses signatures that are more than five minutes off."""
_KINDS = {
    "user": "a user",
    "assumed-role": "a role session",
    "federated-user": "a federated user",
    "root": "the root user",
}


def _identity(facts: DoctorFacts) -> Iterator[CheckAnswer]:
    caller = facts.caller
    if isinstance(caller, NoAnswer):
        yield failure(caller.why, caller.cure)
        return
    resource = caller.arn.split(":", 5)[-1].partition("/")[0]
    kind = _KINDS.get(resource, "an identity")
    text = f"{caller.arn}, {kind} of account {caller.account_id}, partition {caller.partition}"
    if resource == "root":
        cure = "use a role or a user of the management account"
        yield failure(f"{text}: the root user cannot assume roles", cure)
    else:
        yield ok(text)


def _operator(facts: DoctorFacts) -> Iterator[CheckAnswer]:
    if isinstance(facts.caller, NoAnswer):
        return
    names = sorted(arn.rpartition("/")[2] for arn in facts.caller.operator_arns)
    if names:
        yield ok(f"{', '.join(names)}: held as is-operator, so MFA is not enforced on them")
    else:
        yield ok("no IAM user is behind these credentials, as far as AWS reports")


def _region(facts: DoctorFacts) -> Iterator[CheckAnswer]:
    region, caller = facts.environment_facts.region, facts.caller
    if isinstance(caller, Caller) and region.partition != caller.partition:
        yield failure(
            f"{region.name} is in partition {region.partition}, but the caller is in {caller.partition}",
            f"set AWS_REGION to a Region of {caller.partition}",
        )
    else:
        yield ok(region.name if region.chosen else f"{region.name}, the default, because none is configured")


def _endpoints(facts: DoctorFacts) -> Iterator[CheckAnswer]:
    for endpoint in sorted(facts.environment_facts.endpoints, key=lambda endpoint: endpoint.service):
        if endpoint.of_aws:
            yield ok(endpoint.url, about=endpoint.service)
        elif endpoint.here:
            yield ok(f"{endpoint.url}, configured, on this machine", about=endpoint.service)
        else:
            yield warning(
                f"{endpoint.url} is not an AWS endpoint, but receives signed requests",
                "if this is not intended, unset AWS_ENDPOINT_URL and endpoint_url in the AWS configuration",
                about=endpoint.service,
            )


def _clock(facts: DoctorFacts) -> Iterator[CheckAnswer]:
    environment = facts.environment_facts
    if isinstance(facts.caller, NoAnswer):
        return
    if environment.skew is None:
        yield warning("AWS's time is unknown, because no response contained it")
        return
    off = abs(environment.skew)
    side = "ahead of" if environment.skew > timedelta() else "behind"
    text = f"this machine's clock is {_spelled(off)} {side} AWS's"
    cure = "synchronise this machine's clock with a time server"
    if off > SLIGHT and any(endpoint.here for endpoint in environment.endpoints):
        yield ok(f"{text}, which is fine: the AWS endpoint runs on this machine with its own clock")
    elif off > TOO_MUCH:
        yield failure(f"{text}, so AWS refuses its signatures", cure)
    elif off > SLIGHT:
        yield warning(text, cure)
    else:
        yield ok(text)


def _spelled(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _session_policies(facts: DoctorFacts) -> Iterator[CheckAnswer]:
    sizes = facts.environment_facts.sessions
    if isinstance(sizes, NoAnswer):
        yield failure(sizes.why, sizes.cure)
    elif sizes:
        yield ok(
            ", ".join(f"{size.purpose} {size.characters:,} of {size.limit:,} characters" for size in sizes)
        )


def _session(facts: DoctorFacts) -> Iterator[CheckAnswer]:
    ended = next((probe.refused for probe in facts.accounts if probe.ends and probe.refused), None)
    if ended:
        yield failure(f"ended while the accounts were being checked: {ended.why}", ended.cure)


CALLER_CHECKS = (
    Check(
        "identity",
        "who the caller is (`GetCallerIdentity`)",
        "the credentials are missing, invalid or expired, or belong to the root user, which cannot assume roles",
        _identity,
    ),
    Check(
        "operator",
        "which IAM users are behind the caller; they are held as `is-operator`",
        "never",
        _operator,
    ),
    Check("region", "the Region in use", "it is in another partition than the caller", _region),
    Check(
        "endpoint of …",
        "the endpoint of each service; a warning if it belongs neither to AWS nor to this machine",
        "never",
        _endpoints,
    ),
    Check(
        "clock",
        "how far this machine's clock is from AWS's; a warning above one minute",
        "it is off by more than five minutes",
        _clock,
    ),
    Check(
        "session policies",
        "their length, of at most 2,048 characters",
        "the names in `policy` are too long",
        _session_policies,
    ),
    Check("session", "shown only if the caller's session ended during the checks", "always", _session),
)
