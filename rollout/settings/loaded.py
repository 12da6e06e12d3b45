"""Holds the loaded settings, and converts them into the domain's types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rollout.domain.gates import GateRules
from rollout.domain.gates.readiness import Notified
from rollout.domain.people.exemptions import Exemption, UserMatch
from rollout.domain.people.organization import Account
from rollout.domain.people.scope import Scope, first_match, first_ou_match, first_tag_match
from rollout.domain.people.selectors import (
    AccountSelector,
    Selectable,
    Selector,
    UserSelector,
    names_user,
)
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.force_mfa import SEED, PolicyAmendments
from rollout.domain.progress.schedule import Schedule
from rollout.domain.verdicts.rules import MachineRules
from rollout.settings.gate_keys import gate_rules
from rollout.settings.models import EvidenceSection, MachinesSection, RolloutFile

# Lists whose order does not matter.
_UNORDERED = {"ous", "accounts", "account_tags", "user_tags", "users", "break_glass", "enforce_machines"} | {
    "tags",
    "groups",
    "services",
    "regions",
    "networks",
}


class Settings(RolloutFile):
    """All settings, from flags, environment, file and defaults; paths are ready to use.

    `source` is the file they come from, or None without a file. `warnings` are sentences to show to the operator.
    `store_unread`: people are to be let out, and what can be read of the settings does not tell which store is theirs.
    """

    source: Path | None = None
    warnings: tuple[str, ...] = ()
    store_unread: bool = False

    def domain_scope(self) -> Scope:
        return Scope(
            include_ous=self.scope.include.ous,
            include_accounts=self.scope.include.accounts,
            exclude_ous=self.scope.exclude.ous,
            exclude_accounts=self.scope.exclude.accounts,
            include_tags=self.scope.include.account_tags,
            exclude_tags=self.scope.exclude.account_tags,
        )

    def wants_account_tags(self) -> bool:
        """Whether a selector uses account tags, which cost one call per account to read."""
        scope = self.scope
        return bool(scope.include.account_tags or scope.exclude.account_tags) or any(
            wave.account_tags for wave in self.waves
        )

    def domain_waves(self) -> tuple[Wave, ...]:
        return tuple(
            Wave(
                name=wave.name,
                percent=wave.percent,
                ous=wave.ous,
                accounts=wave.accounts,
                account_tags=wave.account_tags,
                user_tags=wave.user_tags,
                users=wave.users,
            )
            for wave in self.waves
        )

    def domain_exemptions(self) -> tuple[Exemption, ...]:
        return tuple(
            Exemption(
                match=UserMatch(line.user),
                owner=line.owner,
                reason=line.reason,
                expires=line.expires,
                ticket=line.ticket or "",
            )
            for line in self.exemptions
        )

    def domain_notified(self) -> Notified:
        """Return the rule by which users are ready for enforcement."""
        gates = self.gates
        return Notified(gates.lead_time, gates.notice_for_unaffected, self.domain_exemptions())

    def domain_schedule(self) -> Schedule:
        """Return the settings that decide which date a notice names."""
        zone = self.notify.zone
        return Schedule(self.gates.lead_time, self.gates.soak, ZoneInfo(zone) if zone else None)

    def domain_selectors(self) -> tuple[Selector, ...]:
        return tuple(_selectors(self))

    def domain_amendments(self) -> PolicyAmendments:
        """Return the amendments that take effect: none with `variant: seed`."""
        if self.policy.variant == "seed":
            return SEED
        return PolicyAmendments(**self.policy.amendments.model_dump())

    def domain_gates(self) -> GateRules:
        return gate_rules(self.gates, quiet_for=self.evidence.moved_after)

    def trail_regions(self) -> tuple[str, ...] | None:
        """Return the Regions in which CloudTrail is asked, empty for those of the keys; None: it is not asked."""
        return self.evidence.regions if self.evidence.cloudtrail == "lookup" else None

    def domain_machines(self) -> MachineRules:
        machines = self.rules.machines
        return MachineRules(machines.tags, machines.groups, machines.services)

    def decisive(self) -> dict[str, Any]:
        """Return the settings that must not change between plan and apply, as JSON-compatible, canonical values.

        Lists whose order does not matter are sorted; waves and context values keep their order. Evidence that nobody
        asked for is left out, so that plans of earlier versions stay valid.
        """
        wanted = {"scope", "policy", "rules", "waves", "evidence"}
        dumped = self.model_dump(mode="json", include=wanted, exclude={"evidence": {"moved_after"}})
        if self.evidence.file:  # by its name: the folder is another on each machine
            dumped["evidence"]["import"] = self.evidence.file.name
        if dumped["evidence"] == EvidenceSection().model_dump(mode="json", exclude={"moved_after"}):
            del dumped["evidence"]
        decisive: dict[str, Any] = _canonical(dumped)
        return decisive


def _canonical(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: sorted(inner) if name in _UNORDERED and isinstance(inner, list) else _canonical(inner)
                for name, inner in sorted(value.items())
                if inner is not None
            }
        case list():
            return [_canonical(inner) for inner in value]
        case _:
            return value


def _selectors(settings: RolloutFile) -> Iterator[Selector]:
    """List the selectors of accounts and users, in the order of the file.

    Machine marks that are defaults are nobody's typing error. `rules.machines.services` select no users by name: a
    service that no key was used for is no error either.
    """
    scope = settings.scope
    for part, section, protects in (
        ("include", scope.include, False),
        ("exclude", scope.exclude, True),
    ):
        yield from _of_accounts(
            f"scope.{part}", section.ous, section.accounts, section.account_tags, protects=protects
        )
    yield from _of_accounts("access.ou_overrides", settings.access.ou_overrides, (), ())
    rules, default = settings.rules, MachinesSection()
    for text in rules.break_glass:
        yield names_user("rules.break_glass", text, protects=True)
    for text in rules.enforce_machines:
        yield names_user("rules.enforce_machines", text, protects=False)
    for text in rules.machines.tags:
        if text not in default.tags:
            yield names_user("rules.machines.tags", text, protects=False)
    for group in rules.machines.groups:
        if group not in default.groups:
            yield UserSelector("rules.machines.groups", group, _is_member(group))
    for number, line in enumerate(settings.exemptions):
        yield names_user(f"exemptions[{number}].user", line.user, protects=True, expires=line.expires)
    for number, wave in enumerate(settings.waves):
        key = f"waves[{number}]"
        yield from _of_accounts(key, wave.ous, wave.accounts, wave.account_tags)
        for text in wave.user_tags:
            yield UserSelector(f"{key}.user_tags", text, UserMatch(text).matches)
        for glob in wave.users:
            yield UserSelector(f"{key}.users", glob, _has_name(glob))


def _of_accounts(
    key: str, ous: Iterable[str], accounts: Iterable[str], tags: Iterable[str], *, protects: bool = False
) -> Iterator[AccountSelector]:
    for name, texts, takes in (
        ("ous", ous, _is_below),
        ("accounts", accounts, _is_called),
        ("account_tags", tags, _is_tagged),
    ):
        for text in texts:
            yield AccountSelector(f"{key}.{name}", text, takes(text), protects)


def _is_below(glob: str) -> Callable[[Account], bool]:
    return lambda account: bool(first_ou_match((glob,), account.ou))


def _is_called(glob: str) -> Callable[[Account], bool]:
    return lambda account: bool(first_match((glob,), account.id, account.name))


def _is_tagged(text: str) -> Callable[[Account], bool]:
    return lambda account: bool(first_tag_match((text,), account.tags))


def _has_name(glob: str) -> Callable[[Selectable], bool]:
    return partial(_is_named, glob)


def _is_member(group: str) -> Callable[[Selectable], bool]:
    return partial(_is_in_group, group)


# Functions of this module can be taken to another process; those made on the fly cannot.
def _is_named(glob: str, user: Selectable) -> bool:
    return bool(first_match((glob,), user.arn, user.id, user.name))


def _is_in_group(group: str, user: Selectable) -> bool:
    return group in user.groups
