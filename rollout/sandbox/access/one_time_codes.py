"""Checks the codes of TOTP devices (RFC 6238), each of which counts once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pyotp

from rollout.sandbox.world.identifiers import DESCRIBED_SEED
from rollout.sandbox.world.sandbox_clock import real_now

if TYPE_CHECKING:
    from moto.iam.models import User

    from rollout.sandbox.world.world import SandboxWorld

STEP = 30
_DRIFT = range(-1, 2)


def take_code(world: SandboxWorld, user: User, serial: str, code: str) -> bool:
    """Tell whether a code is right for one of a user's devices, and use it up. Passkeys and SMS give no codes."""
    account = user.arn.split(":")[4]
    if serial not in user.mfa_devices or ":u2f/" in serial or ":sms-mfa/" in serial:
        return False
    totp, used = _totp(world, account, serial), world.facts(account).used_codes
    for step in _steps_now(world.clock.now()):
        if (serial, step) not in used and totp.generate_otp(step) == code:
            used.add((serial, step))
            return True
    return False


def take_two_codes(world: SandboxWorld, account: str, serial: str, codes: tuple[str, str]) -> bool:
    """Tell whether two codes are of a device, consecutive and fresh, and use both up."""
    totp, used = _totp(world, account, serial), world.facts(account).used_codes
    for step in _steps_now(world.clock.now()):
        both = {(serial, step - 1), (serial, step)}
        if not both & used and (totp.generate_otp(step - 1), totp.generate_otp(step)) == codes:
            used |= both
            return True
    return False


def _totp(world: SandboxWorld, account: str, serial: str) -> pyotp.TOTP:
    device = world.iam(account).virtual_mfa_devices.get(serial)
    return pyotp.TOTP(device.base32_string_seed if device else DESCRIBED_SEED)


def _steps_now(sandbox_time: datetime) -> list[int]:
    """Return the steps whose codes count: one more in both directions, by this machine's clock and by the sandbox's.

    An authenticator app goes by the first, a client that goes by the dates of the answers, by the second.
    """
    clocks = {int(moment.timestamp()) // STEP for moment in (sandbox_time, real_now())}
    return [step + drift for step in clocks for drift in _DRIFT]
