"""Describes in one sentence what enforcement changes for a user (design.md#stages-and-gates)."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.people.users import User
from rollout.domain.verdicts.key_use import describe_denied
from rollout.domain.verdicts.machines import say_key
from rollout.domain.verdicts.verdict import Impact


def forecast(user: User, impact: Impact, now: datetime) -> str:
    """Describe the console first, then every active key, then credentials whose requests never carry MFA.

    Where the calls of a key were looked at, it says which of them would have been denied.
    """
    parts = [_console(user, impact)]
    if user.active_keys:
        keys = "; ".join(say_key(key, now) for key in user.active_keys)
        parts.append(f"CLI: {keys}: denied until {_condition(user, impact)}")
    parts += [f"{activity.key}: {describe_denied(activity)}" for activity in user.activity if activity.calls]
    if user.without_mfa_flag:
        parts.append(
            f"credentials for {', '.join(user.without_mfa_flag)}: denied, because they cannot carry MFA"
        )
    return "; ".join(part for part in parts if part)


def _console(user: User, impact: Impact) -> str:
    if user.password is None:
        return "no console access" if user.has_credentials else "no credentials: nothing changes"
    if user.has_device:
        return "console: sign in with MFA as today"
    if impact is Impact.ENROL:
        return (
            "console: until a device is enrolled, only enrolling one works; after that, sign out and in again"
        )
    return "console: sign in with MFA"


def _condition(user: User, impact: Impact) -> str:
    match impact:
        case Impact.PASSKEY_ONLY:
            # `aws login` signs in at the console (aws-facts.md#cli-after-enforcement).
            login = ", or `aws login` is used" if user.password else ""
            return f"a TOTP device is added (a passkey gives no codes){login}"
        case Impact.ENROL:
            return "a device is enrolled and `aws configure mfa-login` is used"
        case Impact.CLI | Impact.NONE:
            return "`aws configure mfa-login` is used"
