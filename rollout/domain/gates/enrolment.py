"""The gate of enrolment: a wave waits until enough of its users have an MFA device."""

from __future__ import annotations

from rollout.domain.gates.gate import Question
from rollout.domain.gates.share import share_gate
from rollout.domain.people.users import User


def _has_device(user: User, _: Question) -> bool | None:
    return user.has_device if user.password is not None or user.active_keys else None


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
