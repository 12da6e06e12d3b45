"""Says in one sentence what enforcement will change for a user (design.md#stages-and-gates)."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.people.users import AccessKey, User
from rollout.domain.verdicts.machines import say_key
from rollout.domain.verdicts.verdict import Impact


def forecast(user: User, impact: Impact, in_use: tuple[AccessKey, ...], now: datetime) -> str:
    """Write the sentence: the console first, then each key in use."""
    parts = [_console(user, impact)]
    if in_use:
        keys = "; ".join(say_key(key, now) for key in in_use)
        parts.append(f"CLI: {keys}: denied until {_way_out(user, impact)}")
    elif user.active_keys:
        parts.append("CLI: keys not in use; they will need a session with MFA")
    if user.active_services:
        parts.append(f"credentials for {', '.join(user.active_services)}: denied, for they carry no MFA")
    return "; ".join(part for part in parts if part)


def _console(user: User, impact: Impact) -> str:
    if user.password is None:
        some = user.active_keys or user.active_services
        return "no console access" if some else "no credentials: nothing changes"
    if user.has_device:
        return "console: sign in with MFA as today"
    if impact is Impact.ENROL:
        return "console: only enrolling a device works until there is one; then sign out and in"
    return "console: sign in with MFA"


def _way_out(user: User, impact: Impact) -> str:
    match impact:
        case Impact.PASSKEY_ONLY:
            # `aws login` signs in at the console (aws-facts.md#cli-after-enforcement).
            login = ", or `aws login` is used" if user.password else ""
            return f"a TOTP device is added (a passkey gives no codes){login}"
        case Impact.ENROL:
            return "a device is enrolled and `aws configure mfa-login` is used"
        case Impact.CLI | Impact.NONE:
            return "`aws configure mfa-login` is used"
