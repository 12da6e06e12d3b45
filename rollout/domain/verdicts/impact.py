"""Works out what enforcement means for a user: nothing, sessions with MFA on the CLI, or a device to enrol first."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.people.users import DeviceKind, User
from rollout.domain.verdicts.machines import keys_in_use
from rollout.domain.verdicts.rules import DecisionRules
from rollout.domain.verdicts.verdict import Impact

# Only these give the six digits that `sts get-session-token` asks for (aws-facts.md#cli-after-enforcement).
GIVES_CODES = frozenset({DeviceKind.TOTP, DeviceKind.HARDWARE})


def impact_of(user: User, rules: DecisionRules, now: datetime) -> Impact:
    """Work out the impact of enforcement on the user (design.md#verdicts)."""
    if user.password is None and not user.active_keys and not user.active_services:
        return Impact.NONE
    if not user.has_device:
        return Impact.ENROL
    if not keys_in_use(user, rules, now):
        # Requests signed with the credential of a single service are denied, whatever the device.
        return Impact.CLI if user.active_services else Impact.NONE
    return Impact.CLI if GIVES_CODES & set(user.device_kinds) else Impact.PASSKEY_ONLY
