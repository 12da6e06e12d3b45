"""Holds the loaded settings, and converts them into the domain's types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rollout.domain.gates import GateRules
from rollout.domain.people.addresses import AddressRule, AddressTag, NameIsAddress
from rollout.domain.people.exemptions import Exemption, UserMatch
from rollout.domain.people.scope import Scope
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.force_mfa import SEED, Amendments
from rollout.domain.verdicts.rules import MachineRules
from rollout.settings.gate_keys import gate_rules
from rollout.settings.models import RolloutFile

# Lists whose order does not matter.
_UNORDERED = {"ous", "accounts", "account_tags", "user_tags", "users", "break_glass", "enforce_machines"} | {
    "tags",
    "groups",
    "services",
}


class Settings(RolloutFile):
    """All settings, from flags, environment, file and defaults; paths are ready to use.

    `source` is the file they come from, or None without a file. `warnings` are sentences to show to the operator.
    """

    source: Path | None = None
    warnings: tuple[str, ...] = ()

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

    def domain_amendments(self) -> Amendments:
        """Return the amendments that take effect: none with `variant: seed`."""
        if self.policy.variant == "seed":
            return SEED
        return Amendments(**self.policy.amendments.model_dump())

    def domain_gates(self) -> GateRules:
        return gate_rules(self.gates)

    def domain_machines(self) -> MachineRules:
        machines = self.rules.machines
        return MachineRules(machines.tags, machines.groups, machines.services)

    def domain_find(self) -> tuple[AddressRule, ...]:
        return tuple(AddressTag(rule.tag) if rule.tag else NameIsAddress() for rule in self.notify.find)

    def decisive(self) -> dict[str, Any]:
        """Return the settings that must not change between plan and apply, as JSON-compatible, canonical values.

        Lists whose order does not matter are sorted; waves and context values keep their order.
        """
        wanted = {"scope", "policy", "rules", "waves"}
        decisive: dict[str, Any] = _canonical(self.model_dump(mode="json", include=wanted))
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
