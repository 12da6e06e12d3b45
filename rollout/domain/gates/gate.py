"""Defines a gate: one object that carries its question, its setting, its cure and every text about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar

from rollout.domain.people.actor import Actor
from rollout.domain.people.users import User
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.projection import Progress

Value = TypeVar("Value")

QUIET_FOR = timedelta(days=7)


class Needs(StrEnum):
    """What a gate needs in order to answer. Gates are asked in this order, and the registry is sorted by it."""

    PLAN = "plan"
    """What the journal says about the whole plan. Asked before notices too; no other gate is asked until it passes."""
    JOURNAL = "journal"
    """What the journal says about the wave."""
    CALENDAR = "calendar"
    """The time, and what else applies to everybody who is to be enforced, including late joiners of earlier waves."""
    PEOPLE = "people"
    """The wave's users as AWS shows them now; read only when every other gate lets the wave through."""


class OverrideHolds(StrEnum):
    """How long an override of a gate holds; docs/gates.md prints the values."""

    RUN = "that run"
    """The answer is about one moment, so its override holds only for the run that it was given to."""
    PLAN = "that plan"
    """The answer is about the exact bytes of one plan; any other plan has to be rehearsed or approved again."""
    WAVE = "the wave, until a rollback"
    """Whichever plan carries the wave."""
    SOAK = "the wave, until a rollback, or a release or lock-out in the wave before"


class Form(StrEnum):
    """How a value is written in `rollout.yaml`; `rollout.settings.gate_keys` validates each form."""

    SWITCH = "switch"
    COUNT = "count"
    PERCENT = "percent"
    DURATION = "duration"
    WEEKDAYS = "weekdays"
    HOURS = "hours"
    ZONE = "zone"
    DAYS = "days"
    PRINCIPALS = "principals"


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One key of a setting that is a mapping; `default` is spelled as in the file."""

    form: Form
    default: object
    description: str


@dataclass(frozen=True, slots=True)
class Setting(Generic[Value]):
    """`gates.<name>` of `rollout.yaml`: one value of a form, or a mapping of keys that `read` turns into a value.

    If `default` is None or False, the gate is asked only when the file sets it. With `short`, a mapping may also be
    written as true or false, and each of them stands for these keys; what a mapping leaves out is as for true.
    `starter` is the value, as spelled in the file, that `rollout init` writes instead of the default, with the reason
    `why` above it.
    """

    description: str
    form: Form | Mapping[str, SettingKey]
    default: Value | None
    read: Callable[..., Value | None] | None = None
    short: Mapping[bool, Mapping[str, object]] = field(default_factory=dict)
    starter: object = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Members:
    """A wave's users as AWS shows them now, and `unseen`, the number of those who could not be read."""

    users: tuple[User, ...]
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What a gate is asked about.

    `users` has the number of users of each wave that has any, in the order of the waves. `look` reads the wave's users
    in AWS; only gates that need people may call it. `returning`: only users who were enforced before come back.
    `policy` is the digest of what is to be enforced. `quiet_for`: how long keys must have made no call without MFA
    (`evidence.moved_after`).
    """

    wave: str
    progress: Progress
    users: Mapping[str, int]
    plan_checksum: str
    planner: Actor
    now: datetime
    look: Callable[[], Members]
    returning: bool = False
    policy: str = ""
    partition: str = "aws"
    quiet_for: timedelta = QUIET_FOR

    @property
    def before(self) -> str | None:
        """The wave before this one, among those that have users; None for the first."""
        return wave_before(tuple(self.users), self.wave)


def wave_before(order: Sequence[str], wave: str) -> str | None:
    """Give the wave that precedes another in `order`; None for the first, and for a wave that is not in it."""
    position = order.index(wave) if wave in order else 0
    return order[position - 1] if position else None


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One gate's answer; `detail` always has numbers.

    `opens_at` is when time alone will open the gate, and `since` is when it began to give this answer. Both are None
    if unknown.
    """

    gate: str
    result: Result
    detail: str
    opens_at: datetime | None = None
    since: datetime | None = None

    @property
    def passes(self) -> bool:
        """Tell whether the wave may proceed."""
        return self.result is Result.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Generic[Value]):
    """One gate. Settings, `--override-gate`, `status`, the docs and the report's legend are derived from its fields.

    `meaning` completes the sentence "passes when …". `cure` says what to type or do; `{wave}` stands for the wave's
    name. `ask` gets the value of the setting, which is never None or False; a gate without a setting is always asked,
    with None.
    """

    name: str
    meaning: str
    needs: Needs
    cure: str
    override_holds: OverrideHolds
    ask: Callable[[Question, Value], GateAnswer] = field(compare=False)
    setting: Setting[Value] | None = None
    opens_by_time: bool = False
    in_status: str = "gate {gate}: {detail}"

    def is_set(self, value: object) -> bool:
        """Tell whether the gate is asked when its setting has this value."""
        return self.setting is None or (value is not None and value is not False)


AnyGate = Gate[Any]
