"""Checks one account: the role that enters it, its rights, whose policy stands there, and its quotas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rollout.domain.diagnosis.causes import causes_of, suspicions
from rollout.domain.diagnosis.check import Check, CheckAnswer, failure, ok, shortly, warning
from rollout.domain.diagnosis.facts import AccountProbe, DeniedBy, FoundBy, Permission, Right
from rollout.domain.diagnosis.quota_check import QUOTAS
from rollout.domain.policy.our_resources import OTHER_STORE_CURE, State
from rollout.domain.verdicts.verdict import Code


def _enter(probe: AccountProbe) -> Iterator[CheckAnswer]:
    if probe.left_alone:
        yield ok(f"not checked: {probe.left_alone}")
        return
    refused = probe.refused
    if refused is None:
        yield ok(probe.role)
    elif causes := causes_of(refused):
        names = " and by ".join(cause.name for cause in causes)
        yield failure(f"{refused.why}; refused by {names}", *dict.fromkeys(cause.cure for cause in causes))
    elif refused.denials:
        # STS gives the same answer for all of these.
        suspects = suspicions(probe.entry_settings)
        yield failure(refused.why, *(f"if {cause.name}: {cause.cure}" for cause in suspects))
    else:
        yield failure(refused.why, refused.cure)


def _read(probe: AccountProbe) -> Iterator[CheckAnswer]:
    return _rights([one for one in probe.rights if not one.writes and not one.for_proof], probe.role)


def _write(probe: AccountProbe) -> Iterator[CheckAnswer]:
    return _rights([one for one in probe.rights if one.writes and not one.for_proof], probe.role)


def _prove(probe: AccountProbe) -> Iterator[CheckAnswer]:
    return _rights([right for right in probe.rights if right.for_proof], probe.role)


def _rights(rights: list[Right], role: str) -> Iterator[CheckAnswer]:
    by_permission = {kind: [right for right in rights if right.permission is kind] for kind in Permission}
    allowed, denied = by_permission[Permission.ALLOWED], by_permission[Permission.DENIED]
    untested, missing = by_permission[Permission.UNTESTED], by_permission[Permission.MISSING]
    parts = [f"{len(allowed)} of {len(rights)} actions allowed{_found_by(allowed)}"] * bool(allowed)
    parts += [f"denied: {_by_reason(denied)}"] * bool(denied)
    parts += [f"not tested: {_by_reason(untested)}"] * bool(untested)
    parts += [f"not offered by this endpoint: {_actions(missing)}"] * bool(missing)
    text = "; ".join(parts)
    if denied:
        yield failure(text, *_cures(denied, role))
    elif untested:
        yield warning(
            text,
            "allow the role iam:SimulatePrincipalPolicy on itself, so that they can be tested",
        )
    elif missing:
        yield warning(text)
    elif rights:
        yield ok(text)


def _found_by(rights: Iterable[Right]) -> str:
    ways = {right.found_by for right in rights} - {FoundBy.NOTHING}
    return f" ({', '.join(sorted(ways))})" if ways else ""


def _by_reason(rights: list[Right]) -> str:
    reasons: dict[str, list[Right]] = {}
    for right in rights:
        reasons.setdefault(right.why, []).append(right)
    return "; ".join(f"{_actions(some)} ({why})" if why else _actions(some) for why, some in reasons.items())


def _cures(denied: list[Right], role: str) -> Iterator[str]:
    """Say in which kind of policy to allow what is denied, once per kind."""
    by_policy: dict[DeniedBy, list[Right]] = {}
    for right in denied:
        by_policy.setdefault(right.denied_by, []).append(right)
    cures = (_cure(by, ", ".join(right.action for right in rights), role) for by, rights in by_policy.items())
    yield from dict.fromkeys(cures)


def _cure(by: DeniedBy, actions: str, role: str) -> str:
    match by:
        case DeniedBy.SCP | DeniedBy.RCP:
            policies = "service control policies" if by is DeniedBy.SCP else "resource control policies"
            return f"in the management account, let the {policies} that apply to this account allow {actions}"
        case DeniedBy.BOUNDARY:
            return f"allow {actions} in the permissions boundary of {role}"
        case DeniedBy.SESSION_POLICY:
            return f"use a session that is less restricted: its session policy does not allow {actions}"
        case DeniedBy.ENDPOINT_POLICY:
            return f"allow {actions} in the policy of the VPC endpoint for IAM"
        case DeniedBy.IDENTITY_POLICY | DeniedBy.TRUST_POLICY | DeniedBy.RESOURCE_POLICY | DeniedBy.UNKNOWN:
            return f"allow {role}: {actions}"


def _actions(rights: list[Right]) -> str:
    return shortly([right.action for right in rights])


def _policy(probe: AccountProbe) -> Iterator[CheckAnswer]:
    if probe.policies is None:
        return
    if not probe.policies:
        yield ok("not made yet")
    for policy in probe.policies:
        match policy.state:
            case State.OURS:
                yield ok(f"{policy.arn} was made from this store")
            case State.OTHER_STORE:
                yield failure(policy.why, OTHER_STORE_CURE)
            case State.CLASH | State.ABSENT:
                yield failure(policy.why, Code.NAME_CLASH.cure)


ENTER = Check("enter", "which role enters the account", "no role does", _enter)
ACCOUNT_CHECKS = (
    ENTER,
    Check("read", "whether every action that `plan` needs is allowed", "an action is denied", _read),
    Check(
        "write",
        "whether every action that `notify` and `enforce` need is allowed",
        "an action is denied",
        _write,
    ),
    Check(
        "prove",
        "with `--prove`: whether every action that `rollout prove` needs besides is allowed",
        "an action is denied",
        _prove,
    ),
    Check(
        "policy",
        "whether a policy of our name at the path `/rollout/` was made from this store",
        "it was made from another store, or by somebody else",
        _policy,
    ),
    QUOTAS,
)
