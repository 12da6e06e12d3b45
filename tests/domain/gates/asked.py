"""Asks one gate, with everything that a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from rollout.domain.gates import Gate, GateAnswer, Members
from rollout.domain.gates.gate import QUIET_FOR, Question, Value
from rollout.domain.people.actor import Actor
from rollout.domain.progress.projection import Progress
from tests.builders import NOW, a_progress

CHECKSUM = "sha256:" + "c" * 64
NOBODY = Members(())
PLANNER = Actor("arn:aws:iam::111122223333:user/planner", "AIDAPLANNER")
USERS = {"canary": 100, "early": 100, "rest": 100}


def ask(
    gate: Gate[Value],
    value: Value,
    progress: Progress | None = None,
    *,
    wave: str = "rest",
    users: Mapping[str, int] = USERS,
    checksum: str = CHECKSUM,
    planner: Actor = PLANNER,
    now: datetime = NOW,
    members: Members = NOBODY,
    policy: str = "",
    returning: bool = False,
    quiet_for: timedelta = QUIET_FOR,
) -> GateAnswer:
    question = Question(
        wave,
        progress or a_progress(),
        users,
        checksum,
        planner,
        now,
        lambda: members,
        returning=returning,
        policy=policy,
        quiet_for=quiet_for,
    )
    return gate.ask(question, value)
