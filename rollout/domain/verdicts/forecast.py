"""Describes in one sentence what enforcement changes for a user (design.md#stages-and-gates)."""

from __future__ import annotations

from datetime import datetime

from rollout.domain.people.key_use import describe_denied
from rollout.domain.people.users import User
from rollout.domain.verdicts.machines import say_key
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact, Situation


def forecast(user: User, impact: Impact, now: datetime, situation: Situation) -> str:
    """Describe the console first, then every active key, then credentials whose requests never carry MFA.

    Where the calls of a key were looked at, it says which of them would have been denied.
    """
    parts = [_console(user, impact)]
    if user.active_keys:
        keys = "; ".join(say_key(key, now) for key in user.active_keys)
        parts.append(f"CLI: {keys}: denied{_condition(impact, situation)}")
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


def _condition(impact: Impact, situation: Situation) -> str:
    """Say until when keys are denied; for good where no way is open that gives codes, nor `aws login`."""
    login = "`aws login` is used" if situation.aws_login else ""
    if impact in (Impact.ENROL, Impact.PASSKEY_ONLY) and EnrolmentWay.APP not in situation.ways:
        why = "a passkey gives no codes" + (f"; instead of the keys, {login}" if login else "")
        return f", even with MFA: {why}"
    done = {
        Impact.PASSKEY_ONLY: "a TOTP device is added (a passkey gives no codes)",
        Impact.ENROL: "a device is enrolled and `aws configure mfa-login` is used",
    }.get(impact, "`aws configure mfa-login` is used")
    return f" until {done}" + (f", or {login}" if login else "")
