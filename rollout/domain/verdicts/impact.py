"""What enforcement means to a user: nothing, a new habit on the CLI, or a device to enrol first."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.users import DeviceKind, User
from rollout.domain.verdicts.machines import keys_in_use
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.verdict import Impact

# Only these give the six digits that `sts get-session-token` asks for (AWS-FACTS §7).
GIVES_CODES = frozenset({DeviceKind.TOTP, DeviceKind.HARDWARE})


def impact_of(user: User, rules: Rules, now: datetime) -> Impact:
    """Tell what enforcement means to the user (DESIGN §4)."""
    used = keys_in_use(user, rules, now)
    if user.password is None and not user.active_keys:
        return Impact.NONE
    if not user.mfa_active:
        return Impact.ENROL
    if not used:
        return Impact.NONE
    return Impact.CLI if GIVES_CODES & set(user.device_kinds) else Impact.PASSKEY_ONLY
