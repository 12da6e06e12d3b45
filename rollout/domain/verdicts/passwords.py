"""Must this user change a password before enrolling? Under ForceMFA that is a trap (aws-facts.md#caveats)."""

from __future__ import annotations

from datetime import datetime, timedelta

from rollout.domain.people.observations import PasswordPolicy
from rollout.domain.people.users import Password, User


def password_trap(user: User, policy: PasswordPolicy | None, now: datetime, lead_time: timedelta) -> str:
    """Say what would trap the user at the next sign-in; empty when nothing would.

    A password that has to be changed first cannot be: `iam:ChangePassword` is denied without MFA. Who has a device
    signs in with it, so an expiring password traps only those who have none.
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
        return f"the password expired on {expires.date()} and there is no device"
    hard = " for good (HardExpiry)" if policy is not None and policy.hard_expiry else ""
    return f"the password expires{hard} on {expires.date()}, before a device must be there"


def first_use_doubtful(user: User) -> bool:
    """Tell whether only `GetLoginProfile` can say if a password must be changed, and was not asked.

    A password used since it was set has been through its first sign-in; where one of the two dates is not known, or
    both are the same, that cannot be told.
    """
    password = user.password
    if password is None or password.reset_required is not None:
        return False
    used, changed = password.last_used, password.last_changed
    return used is None or changed is None or used <= changed


def _expiry(password: Password, policy: PasswordPolicy | None) -> datetime | None:
    """Say when the password expires: by the report, or by the account's policy where the report does not tell."""
    if password.next_rotation is not None or policy is None or policy.max_age_days is None:
        return password.next_rotation
    return password.last_changed + timedelta(days=policy.max_age_days) if password.last_changed else None
