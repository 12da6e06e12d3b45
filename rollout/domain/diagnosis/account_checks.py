"""Checks one account: entered by which role, and with which rights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rollout.domain.diagnosis.causes import causes_of, suspicions
from rollout.domain.diagnosis.check import Check, CheckAnswer, failure, ok, shortly, warning
from rollout.domain.diagnosis.facts import AccountProbe, FoundBy, Permission, Right
from rollout.domain.diagnosis.quota_check import QUOTAS


def _enter(probe: AccountProbe) -> Iterator[CheckAnswer]:
    if probe.left_alone:
        yield ok(f"left alone: {probe.left_alone}")
        return
    refused = probe.refused
    if refused is None:
        yield ok(probe.role)
    elif causes := causes_of(refused):
        names = " and by ".join(cause.name for cause in causes)
        yield failure(f"{refused.why}; refused by {names}", *dict.fromkeys(cause.cure for cause in causes))
    elif refused.said:
        # STS has one answer for all of these.
        suspects = suspicions(probe.entry_settings)
        yield failure(refused.why, *(f"if {cause.name}: {cause.cure}" for cause in suspects))
    else:
        yield failure(refused.why, refused.cure)


def _read(probe: AccountProbe) -> Iterator[CheckAnswer]:
    return _rights([right for right in probe.rights if not right.writes], probe.role)


def _write(probe: AccountProbe) -> Iterator[CheckAnswer]:
    return _rights([right for right in probe.rights if right.writes], probe.role)


def _rights(rights: list[Right], role: str) -> Iterator[CheckAnswer]:
    by_permission = {one: [right for right in rights if right.permission is one] for one in Permission}
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
            "to have them tested, allow the role iam:SimulatePrincipalPolicy on itself",
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
    said = (f"{_actions(some)} ({why})" if why else _actions(some) for why, some in reasons.items())
    return "; ".join(said)


def _cures(denied: list[Right], role: str) -> Iterator[str]:
    """Say at which level to allow what is denied."""
    actions = ", ".join(right.action for right in denied)
    reasons = " ".join(right.why for right in denied).casefold()
    if "service control polic" in reasons:
        yield "in the management account, check the service control policies that apply to this account"
    if "permissions boundar" in reasons:
        yield f"allow them in the permissions boundary of {role}"
    yield f"allow {role}: {actions}"


def _actions(rights: list[Right]) -> str:
    return shortly([right.action for right in rights])


ENTER = Check("enter", "which role lets us in", "none does", _enter)
ACCOUNT_CHECKS = (
    ENTER,
    Check("read", "every action that `plan` needs", "one is denied", _read),
    Check("write", "every action that `notify` and `enforce` need", "one is denied", _write),
    QUOTAS,
)
