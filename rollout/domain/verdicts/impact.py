"""Works out what enforcement means for a user: nothing, sessions with MFA on the CLI, or a device to enrol first."""

from __future__ import annotations

from rollout.domain.people.users import DeviceKind, User
from rollout.domain.verdicts.verdict import Impact

# Only these give the six digits that `sts get-session-token` asks for (aws-facts.md#cli-after-enforcement).
GIVES_CODES = frozenset({DeviceKind.TOTP, DeviceKind.HARDWARE})


def impact_of(user: User) -> Impact:
    """Work out the impact of enforcement on the user (design.md#verdicts).

    Every active key counts, however long ago it was used: its next request is denied without MFA.
    """
    if not user.has_credentials:
        return Impact.NONE
    if not user.has_device:
        return Impact.ENROL
    if not user.active_keys:
        return Impact.CLI if user.without_mfa_flag else Impact.NONE
    return Impact.CLI if GIVES_CODES & set(user.device_kinds) else Impact.PASSKEY_ONLY
