"""Recognises machines among users by facts, each with its age (design.md#verdicts, aws-facts.md#caveats)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rollout.domain.people.key_use import UsedBy, key_use
from rollout.domain.people.users import AccessKey, User, tag
from rollout.domain.verdicts.rules import DecisionRules, MachineRules

UNUSED_AFTER = timedelta(days=90)


def machine_evidence(user: User, rules: DecisionRules, now: datetime) -> tuple[str, ...]:
    """List the facts that suggest a machine; empty for a person."""
    return tuple(_evidence(user, rules, now))


def keys_in_use(user: User, rules: DecisionRules, now: datetime) -> tuple[AccessKey, ...]:
    """List the keys that count as in use (design.md#verdicts)."""
    return tuple(key for key in user.keys if key.in_use(now, rules.keys_in_use_days))


def say_key(key: AccessKey, now: datetime) -> str:
    """Describe one key: `key 1 used 2 days ago for s3 in eu-west-1`."""
    if key.last_used is None:
        return f"{key.label} never used{_since(key.created, now)}"
    where = f" in {key.region}" if key.region else ""
    what = f" for {key.service}" if key.service else ""
    return f"{key.label} used {ago(key.last_used, now)}{what}{where}"


def ago(moment: datetime, now: datetime) -> str:
    """Describe an age in whole days."""
    days = max((now - moment).days, 0)
    return "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"


def _since(created: datetime | None, now: datetime) -> str:
    return f" since its creation {ago(created, now)}" if created else ""


def _evidence(user: User, rules: DecisionRules, now: datetime) -> Iterator[str]:
    use = key_use(user, rules.networks)
    if use.by is UsedBy.MACHINE:
        yield use.why
    person = user.has_device or _signs_in(user, now) or use.by is UsedBy.PERSON
    used = keys_in_use(user, rules, now)
    if not person and user.password is None and user.active_keys:
        keys = ", ".join(say_key(key, now) for key in user.active_keys)
        yield f"no console password, and {keys}"
    elif not person and user.password is not None and used:
        yield f"no MFA device, password not used for 90 days, and {say_key(used[0], now)}"
    for service in user.active_services:
        yield f"active credential for {service}"
    if not person:
        yield from (f"no MFA device, no recent sign-in, and an active {thing}" for thing in _unattended(user))
        yield from _called(user, rules.machines)
    yield from _marks(user, rules.machines)


def _signs_in(user: User, now: datetime) -> bool:
    """Tell whether the user's password was used or set within 90 days: then there is a person."""
    password = user.password
    moments = (password.last_used, password.last_changed) if password else ()
    latest = max((moment for moment in moments if moment), default=None)
    return latest is not None and now - latest < UNUSED_AFTER


def _unattended(user: User) -> Iterator[str]:
    if user.ssh_keys:
        yield "SSH key for CodeCommit"
    if user.certificates:
        yield "signing certificate"


def _called(user: User, rules: MachineRules) -> Iterator[str]:
    services = {service.casefold() for service in rules.services}
    for key in user.active_keys:
        if key.service and key.service.casefold() in services:
            yield f"{key.label} last used for {key.service}"


def _marks(user: User, rules: MachineRules) -> Iterator[str]:
    for text in rules.tags:
        name, _, value = text.partition("=")
        if tag(user, name) == value:
            yield f"tag {text}"
    for group in rules.groups:
        if group in user.groups:
            yield f"member of group {group}"
