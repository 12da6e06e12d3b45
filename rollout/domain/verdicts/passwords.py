"""Finds users who must change their password before they can enrol, which ForceMFA denies (aws-facts.md#caveats)."""

from __future__ import annotations

from datetime import datetime, timedelta

from rollout.domain.people.observations import PasswordPolicy
from rollout.domain.people.users import Password, User


def password_obstacle(user: User, policy: PasswordPolicy | None, now: datetime, lead_time: timedelta) -> str:
    """Say why the user's password would lock the user out at the next sign-in; empty when it would not.

    `iam:ChangePassword` is denied without MFA, so a password that must be changed first cannot be changed. Users with
    a device sign in with MFA, so an expiring password locks out only users without one.
    """
    password = user.password
    if password is None:
        return ""
    if password.reset_required:
        return "a new password must be set at the next sign-in, which ForceMFA denies without MFA"
    expires = _expiry(password, policy)
    if user.has_device or expires is None or expires > now + lead_time:
        return ""
    if expires <= now:
        return f"the password expired on {expires.date()}, and the user has no MFA device"
    hard = (
        " and only an administrator can renew it (HardExpiry)"
        if policy is not None and policy.hard_expiry
        else ""
    )
    return f"the password expires on {expires.date()}{hard}, before an MFA device is required"


def expiry_to_tell(user: User, policy: PasswordPolicy | None, now: datetime) -> datetime | None:
    """Return when a password expires that the user would find expired at the next likely sign-in, and could not change.

    Somebody who signed in ten days ago is expected within the next ten; somebody who never did, at any time. A user
    with a device can change an expired password after signing in with MFA, unless only an administrator can.
    """
    password = user.password
    expires = _expiry(password, policy) if password else None
    hard = policy is not None and policy.hard_expiry
    if password is None or expires is None or (user.has_device and not hard):
        return None
    if password.last_used is None:
        return expires
    return expires if expires <= now + (now - password.last_used) else None


def first_use_doubtful(user: User) -> bool:
    """Tell whether it is unknown if the password must be changed: `GetLoginProfile`, which tells it, was not read.

    A password used after it was last set has passed its first sign-in. If either date is unknown, or both are equal,
    that cannot be concluded.
    """
    password = user.password
    if password is None or password.reset_required is not None:
        return False
    used, changed = password.last_used, password.last_changed
    return used is None or changed is None or used <= changed


def _expiry(password: Password, policy: PasswordPolicy | None) -> datetime | None:
    """Say when the password expires, by the credential report or else by the account's password policy."""
    if password.next_rotation is not None or policy is None or policy.max_age_days is None:
        return password.next_rotation
    return password.last_changed + timedelta(days=policy.max_age_days) if password.last_changed else None
