"""What a gate is: one object that brings its question, its setting, its cure and every sentence about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from rollout.domain.people.users import User
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.replay import Progress

Value = TypeVar("Value")


class Needs(StrEnum):
    """What a gate needs to answer. Gates are asked in this order, and the registry is sorted by it."""

    PLAN = "plan"
    """What the journal says of the whole plan. Asked for notices too; while it stops, nothing else is asked."""
    JOURNAL = "journal"
    """What the journal says of the wave."""
    CALENDAR = "calendar"
    """The time alone. Binds everybody who is to be enforced: late joiners of earlier waves too."""
    PEOPLE = "people"
    """A look at the wave's users in AWS; only taken when every other gate lets the wave through."""


class OverrideHolds(StrEnum):
    """For how long an override of a gate holds; the values are the words of docs/gates.md."""

    RUN = "that run"
    """What was said of a moment holds for the run that it was given to."""
    PLAN = "that plan"
    """It is about the very bytes of a plan: another one has to be rehearsed or approved anew."""
    WAVE = "the wave, until a rollback"
    """Whatever plan the wave is carried by."""
    SOAK = "the wave, until a rollback, or a release or lock-out in the wave before"


class Form(StrEnum):
    """How a value is written in `rollout.yaml`; `rollout.settings.gate_keys` has the checks of each form."""

    SWITCH = "switch"
    COUNT = "count"
    PERCENT = "percent"
    DURATION = "duration"
    WEEKDAYS = "weekdays"
    HOURS = "hours"
    ZONE = "zone"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a setting that is a mapping. `default` is written as in the file."""

    form: Form
    default: object
    description: str


@dataclass(frozen=True, slots=True)
class Setting(Generic[Value]):
    """`gates.<name>` of `rollout.yaml`: one value of a form, or a mapping of keys, which `read` makes a value of.

    With `default` None or False, the gate is asked only where the file sets it.
    """

    description: str
    form: Form | Mapping[str, Key]
    default: Value | None
    read: Callable[..., Value] | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """A wave's users as they are now, and how many of them could not be looked at."""

    users: tuple[User, ...]
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What a gate is asked about. `users` counts the users of each wave that has any, in the order of the waves.

    `look` reads the wave's users in AWS; only gates that need people may call it.
    """

    wave: str
    progress: Progress
    users: Mapping[str, int]
    plan_checksum: str
    now: datetime
    look: Callable[[], Members]

    @property
    def before(self) -> str | None:
        """The wave before this one, of those that have users."""
        order: Sequence[str] = tuple(self.users)
        position = order.index(self.wave)
        return order[position - 1] if position else None


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One gate's answer, always with numbers in its `detail`.

    `opens_at` is when time alone will open the gate, `since` from when on it has answered so. Both are None where that
    cannot be told.
    """

    gate: str
    result: Result
    detail: str
    opens_at: datetime | None = None
    since: datetime | None = None

    @property
    def passes(self) -> bool:
        """Tell whether the wave may go through."""
        return self.result is Result.PASS


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Generic[Value]):
    """One gate. Settings, `--override-gate`, `status`, the docs and the report's legend are derived from its fields.

    `meaning` completes "passes when …" in one line. `cure` is what to type or do, with `{wave}` for the wave's name.
    `ask` is called with the setting's value, which is never None or False; a gate without a setting is always asked,
    with None. `needed` says the setting's value for a gate that was not asked yet.
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
    needed: Callable[[Value], str] | None = field(default=None, compare=False)

    def is_set(self, value: object) -> bool:
        """Tell whether a run with this value of the setting asks the gate."""
        return self.setting is None or (value is not None and value is not False)


AnyGate = Gate[Any]
