"""Checks one account: entered by which role, with which rights, and how close its quotas are to their end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rollout.domain.diagnosis.causes import causes_of, suspicions
from rollout.domain.diagnosis.check import Check, Section, State
from rollout.domain.diagnosis.facts import AccountLook, Holdings, How, May, Right, Trouble, WayIn

CLOSE = 90
"""Per cent of a quota that are worth a word."""
NAMED = 5


@dataclass(frozen=True, slots=True)
class _Found:
    """A check that does not yet say of which account it is."""

    name: str
    state: State
    text: str
    cures: tuple[str, ...] = ()


def check_account(look: AccountLook, way: WayIn) -> Iterator[Check]:
    """Check one account; one that is left alone on purpose is fine."""
    for found in _findings(look, way):
        yield Check(
            Section.ACCOUNT,
            found.name,
            found.state,
            found.text,
            found.cures,
            look.account.id,
            look.account.name,
        )


def _findings(look: AccountLook, way: WayIn) -> Iterator[_Found]:
    if look.left_alone:
        yield _Found("enter", State.OK, f"left alone: {look.left_alone}")
        return
    if look.refused:
        yield _refused(look.refused, way)
        return
    yield _Found("enter", State.OK, look.role)
    for name, writes in (("read", False), ("write", True)):
        rights = tuple(right for right in look.rights if right.writes is writes)
        if rights:
            yield _rights(name, rights, look.role)
    yield from _quotas(look.holdings)


def _refused(trouble: Trouble, way: WayIn) -> _Found:
    causes = causes_of(trouble)
    if causes:
        names = " and by ".join(cause.name for cause in causes)
        cures = tuple(dict.fromkeys(cause.cure for cause in causes))
        return _Found("enter", State.FAILURE, f"{trouble.why}; refused by {names}", cures)
    if trouble.said:
        # STS has one answer for all of these.
        cures = tuple(f"if {cause.name}: {cause.cure}" for cause in suspicions(way))
        return _Found("enter", State.FAILURE, trouble.why, cures)
    return _Found("enter", State.FAILURE, trouble.why, (trouble.cure,) if trouble.cure else ())


# --- Rights ---


def _rights(name: str, rights: tuple[Right, ...], role: str) -> _Found:
    by_may = {may: [right for right in rights if right.may is may] for may in May}
    allowed, denied = by_may[May.ALLOWED], by_may[May.DENIED]
    untested, missing = by_may[May.UNTESTED], by_may[May.MISSING]
    parts = [f"{len(allowed)} of {len(rights)} actions allowed{_how(allowed)}"] * bool(allowed)
    parts += [f"denied: {_by_reason(denied)}"] * bool(denied)
    parts += [f"not tested: {_by_reason(untested)}"] * bool(untested)
    parts += [f"not offered by this endpoint: {_actions(missing)}"] * bool(missing)
    text = "; ".join(parts)
    if denied:
        return _Found(name, State.FAILURE, text, tuple(_cures(denied, role)))
    if untested:
        cure = "to have them tested, allow the one inside iam:SimulatePrincipalPolicy on itself, where it is offered"
        return _Found(name, State.WARNING, text, (cure,))
    return _Found(name, State.WARNING if missing else State.OK, text)


def _how(rights: list[Right]) -> str:
    ways = {right.how for right in rights} - {How.NOT_AT_ALL}
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
        yield "in the management account, look at the service control policies on the way to this account"
    if "permissions boundar" in reasons:
        yield f"allow them in the permissions boundary of {role}"
    yield f"allow {role}: {actions}"


def _actions(rights: list[Right]) -> str:
    return _shortly([right.action for right in rights])


def _shortly(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


# --- Quotas ---


@dataclass(frozen=True, slots=True)
class _Close:
    text: str
    cure: str
    blocks: bool = False


def _quotas(holdings: Holdings | Trouble) -> Iterator[_Found]:
    if isinstance(holdings, Trouble):
        cures = (holdings.cure,) if holdings.cure else ()
        yield _Found("quotas", State.FAILURE, holdings.why, cures)
        return
    if not holdings.numbers:
        yield _Found("quotas", State.WARNING, "not known: this endpoint offers no GetAccountSummary")
        return
    close = [*_of_account(holdings), *_of_ours(holdings), *_of_users(holdings)]
    if not close:
        yield _Found("quotas", State.OK, f"none is used to {CLOSE} % or more")
    for one in close:
        yield _Found("quotas", State.FAILURE if one.blocks else State.WARNING, one.text, (one.cure,))


def _of_account(holdings: Holdings) -> Iterator[_Close]:
    numbers = holdings.numbers
    for used, what, ours in (
        ("Groups", "groups", holdings.attached),
        ("Policies", "policies", holdings.versions),
    ):
        limit = numbers.get(f"{used}Quota", 0)
        count = numbers.get(used, 0)
        if _is_close(count, limit):
            blocks = count >= limit and not ours
            needed = f"; there is no room for the {what} of this tool" if blocks else ""
            cure = f"have the quota for {what} raised (Service Quotas in us-east-1), or delete {what} that nobody needs"
            yield _Close(f"{count} of {limit} {what}{needed}", cure, blocks)
    count, limit = numbers.get("PolicyVersionsInUse", 0), numbers.get("PolicyVersionsInUseQuota", 0)
    if _is_close(count, limit):
        yield _Close(f"{count} of {limit} policy versions in use", "delete policy versions that nobody needs")


def _of_ours(holdings: Holdings) -> Iterator[_Close]:
    limit = holdings.numbers.get("VersionsPerPolicyQuota", 0)
    for arn, count in sorted(holdings.versions.items()):
        if _is_close(count, limit):
            cure = "nothing: the oldest version but the brake makes room for the next one"
            yield _Close(f"{count} of {limit} versions of {arn}", cure)
    limit = holdings.numbers.get("AttachedPoliciesPerGroupQuota", 0)
    for name, count in sorted(holdings.attached.items()):
        if _is_close(count, limit):
            yield _Close(
                f"{count} of {limit} policies hang on group {name}",
                f"detach what is not ours from group {name}",
            )


def _of_users(holdings: Holdings) -> Iterator[_Close]:
    numbers = holdings.numbers
    yield from _crowded(
        holdings.groups,
        numbers.get("GroupsPerUserQuota", 0),
        "groups",
        "take them out of groups that they do not need: else the policy hangs on the user, or there is no slot for it",
    )
    yield from _crowded(
        holdings.policies,
        numbers.get("AttachedPoliciesPerUserQuota", 0),
        "policies attached to them",
        "matters only where the policy must hang on the user: move policies to groups",
    )


def _crowded(counts: Mapping[str, int], limit: int, what: str, cure: str) -> Iterator[_Close]:
    names = sorted(name for name, count in counts.items() if _is_close(count, limit))
    if names:
        least = min(counts[name] for name in names)
        users = f"{len(names)} user{'s' if len(names) > 1 else ''} with {least} or more of {limit} {what}"
        yield _Close(f"{users}: {_shortly(names)}", cure)


def _is_close(count: int, limit: int) -> bool:
    return limit > 0 and count * 100 >= limit * CLOSE
