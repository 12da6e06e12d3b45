"""Holds the loaded settings, and converts them into the domain's types."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rollout.domain.gates import Freeze, GateRules, Tolerance, Window
from rollout.domain.people.addresses import AddressRule, AddressTag, NameIsAddress
from rollout.domain.people.exemptions import Exemption, UserMatch
from rollout.domain.people.scope import Scope
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.force_mfa import SEED, Amendments
from rollout.domain.verdicts.rules import MachineRules
from rollout.settings.models import RolloutFile, WindowSection

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
        gates = self.gates
        tolerance = Tolerance(gates.failure_tolerance.count, gates.failure_tolerance.percent)
        window = None if gates.window == WindowSection() else _window(gates.window)
        return GateRules(gates.soak, tolerance, gates.enrolment, gates.cli_moved, window, gates.approval)

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


def _window(section: WindowSection) -> Window:
    opens, _, closes = section.hours.partition("-")
    freezes = (text.partition("..") for text in section.freeze)
    return Window(
        days=section.days,
        opens=time.fromisoformat(opens),
        closes=None if closes == "24:00" else time.fromisoformat(closes),
        zone=ZoneInfo(section.zone),
        frozen=tuple(
            Freeze(date.fromisoformat(first), date.fromisoformat(last or first)) for first, _, last in freezes
        ),
    )


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
