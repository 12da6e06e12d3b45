"""Must this user change a password before enrolling? Under ForceMFA that is a trap (AWS-FACTS §6.4.1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from rollout.domain.inventory import PasswordPolicy
from rollout.domain.users import User


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
    if user.mfa_active or password.next_rotation is None or password.next_rotation > now + lead_time:
        return ""
    if password.next_rotation <= now:
        return f"the password expired on {password.next_rotation.date()} and there is no device"
    hard = " for good (HardExpiry)" if policy is not None and policy.hard_expiry else ""
    return f"the password expires{hard} on {password.next_rotation.date()}, before a device must be there"


def first_use_doubtful(user: User) -> bool:
    """Tell whether only `GetLoginProfile` can say if a password must be changed, and was not asked.

    A password used since it was set has been through its first sign-in.
    """
    password = user.password
    if password is None or password.reset_required is not None:
        return False
    used, changed = password.last_used, password.last_changed
    return used is None or (changed is not None and used < changed)
