"""The gate of enrolment: a wave waits until enough of its users have an MFA device."""

from __future__ import annotations

from rollout.domain.gates.gate import Question
from rollout.domain.gates.share import share_gate
from rollout.domain.people.users import User
from rollout.domain.progress.gate_result import Result


def _has_device(user: User, _: Question) -> Result | None:
    if user.password is None and not user.active_keys:
        return None
    return Result.PASS if user.has_device else Result.FAIL


ENROLMENT = share_gate(
    "enrolment",
    "enough of the wave's users with credentials have an MFA device",
    "The share of a wave's users, in percent, that must have a device before it is enforced.",
    "have a device",
    _has_device,
    starter=90,
    why="Users without a device can do nothing but enrol one once they are enforced, so this waits until most of them"
    " have one. The default is null.",
)
