"""Enforces over an organization, kills every run but the last, and holds the outcome to the promise."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

from rollout.domain.policy.changes import Applied
from rollout.domain.progress.records import Intent, Settled
from rollout.domain.progress.stages import Stage
from rollout.store.formats.journal_lines import line_of
from rollout.workflows.verify import FIXING
from tests.kill.cloud import Cloud
from tests.kill.moments import AfterAWhile, AtWrite, Moment, draw, segments
from tests.kill.organization import Size, describe
from tests.kill.promise import (
    changes_of,
    every_intent_has_one_outcome,
    few_writes_were_needed,
    key_of,
    key_of_write,
    nothing_is_lost_or_done_twice,
    nothing_was_taken_for_somebody_elses,
)
from tests.kill.shell import DONE, Operator
from tests.kill.weather import Trouble

ENFORCE = ("apply", "--stage", "enforce", "--yes")
NOTIFY = ("apply", "--stage", "notify", "--yes")
RELEASE = ("release", "--all", "--for", "1h", "--reason", "kill test", "--yes")
FIX = ("verify", "--fix", "--yes")
ROLLBACK = ("rollback", "--all", "--yes")
SHORTLY = timedelta(minutes=5)
BETWEEN_RUNS = timedelta(hours=4, minutes=5)
"""AWS keeps a credential report for four hours, and an older one makes a run ask every user one by one."""


@dataclass
class Figures:
    """What a kill test came to."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    torn: int = 0
    runs: int = 0
    seen: int = 0
    effective: int = 0
    journalled: int = 0
    unconfirmed: int = 0
    let_out: int = 0
    back: int = 0
    undone: int = 0
    troubles: dict[Trouble, int] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        killed = "\n".join(f"  {count:4} {phase}" for phase, count in sorted(self.kills.items()))
        met = ", ".join(f"{count} {trouble}" for trouble, count in self.troubles.items())
        return (
            f"Seed {self.seed}: {self.kills.total()} kills in {self.runs} runs, {self.seconds:.0f} s\n{killed}\n"
            f"  {self.torn:4} of their segments torn at the end\n"
            f"Writes of enforcement: {self.seen} seen, {self.effective} with an effect, {self.journalled} "
            f"journalled as made, {self.unconfirmed} of them unconfirmed; of a release: {self.let_out}; "
            f"putting back: {self.back}; rolled back: {self.undone}\n"
            f"Requests: {met}"
        )


@dataclass(frozen=True)
class Kills:
    """How many runs are to be killed: so many of each command in bad weather, one at every `stride`-th write of others.

    Those are `release`, `verify --fix`, and `rollback` unless it has a number.
    """

    enforce: int
    rollback: int = 0
    notify: int = 0
    stride: int = 1


@dataclass(frozen=True)
class Writes:
    """How many writes each stage takes when nobody is disturbed."""

    notify: int
    enforce: int


class KillTest:
    """One organization, and its equal on which nobody is disturbed."""

    def __init__(self, operator: Operator, twin: Operator, seed: int) -> None:
        self.operator, self.twin = operator, twin
        self.cloud = operator.cloud
        self.dice = Random(seed)
        self.figures = Figures(seed)
        self.startup = 1.0
        """Seconds until a run makes its first change, about."""

    def prepare(self) -> None:
        """Plan and rehearse; both organizations have the same plan."""
        self.operator.run("plan")
        self.cloud.advance(BETWEEN_RUNS)
        began = time.monotonic()
        self.operator.run("apply")
        self.startup = time.monotonic() - began
        shutil.copytree(self.operator.folder, self.twin.folder, dirs_exist_ok=True)

    def told_in_spite_of_kills(self, kills: int, changes: int) -> None:
        """Everybody is told once on record, and may enrol; who was told when a run died may hear it again."""
        before = len(self.cloud.writes())
        self._disturb(NOTIFY, kills, changes, Stage.NOTIFY)
        done = changes_of(self.operator.progress, "apply", Stage.NOTIFY)
        nothing_is_lost_or_done_twice(self.cloud.writes()[before:], done)
        every_intent_has_one_outcome(self.operator.records)
        nothing_was_taken_for_somebody_elses(done)
        assert _told(self.twin) == _told(self.operator)

    def enforced_in_spite_of_kills(self, kills: int, changes: int) -> None:
        """Everybody is where they are in the organization in which nothing happened, by the same writes."""
        before = len(self.cloud.writes())
        self._disturb(ENFORCE, kills, changes, Stage.ENFORCE)
        writes = self.cloud.writes()[before:]
        done = changes_of(self.operator.progress, "apply", Stage.ENFORCE)
        assert self.twin.cloud.state() == self.cloud.state()
        nothing_is_lost_or_done_twice(writes, done)
        every_intent_has_one_outcome(self.operator.records)
        nothing_was_taken_for_somebody_elses(done)
        few_writes_were_needed(writes)
        assert self.twin.progress.placed.keys() == self.operator.progress.placed.keys()
        applied = [change.outcome for change in done if isinstance(change.outcome, Applied)]
        assert changes == len(applied)
        self.figures.seen = len(writes)
        self.figures.effective = sum(write.effect for write in writes)
        self.figures.journalled = len(applied)
        self.figures.unconfirmed = sum(outcome.unconfirmed for outcome in applied)

    def has_nothing_left_to_do(self) -> None:
        """A second apply makes no write at all."""
        writes, changes = len(self.cloud.writes()), len(self.operator.progress.changes)
        self.operator.run(*ENFORCE)
        assert writes == len(self.cloud.writes())
        assert changes == len(self.operator.progress.changes)

    def let_out_and_back_in_spite_of_kills(self, stride: int) -> None:
        """A release reaches everybody, by whichever run; when it is over, everybody is enforced again who was."""
        enforced, before = self.cloud.state(), len(self.cloud.writes())
        self._die_often(RELEASE, stride, SHORTLY)
        self.twin.run(*RELEASE)
        assert enforced != self.cloud.state()
        assert self.twin.cloud.state() == self.cloud.state()
        between = len(self.cloud.writes())
        for cloud in (self.cloud, self.twin.cloud):
            cloud.advance(BETWEEN_RUNS)
        self._die_often(FIX, stride, BETWEEN_RUNS)
        self.twin.run(*FIX)
        assert self.twin.cloud.state() == self.cloud.state() == enforced
        assert self.twin.progress.placed.keys() == self.operator.progress.placed.keys()
        let_out, back = (
            changes_of(self.operator.progress, command, Stage.ENFORCE) for command in (RELEASE[0], FIXING)
        )
        nothing_is_lost_or_done_twice(self.cloud.writes()[between:], back)
        # A release stops for nothing: what dead ones left open is settled by the next command, and where two of them
        # intended the same, AWS does not tell which of them did it.
        written = {key_of_write(write) for write in self.cloud.writes()[before:between] if write.effect}
        assert written == {
            key_of(done.intent.change) for done in let_out if isinstance(done.outcome, Applied)
        }
        every_intent_has_one_outcome(self.operator.records)
        self.figures.let_out, self.figures.back = len(written), len(back)

    def _die_often(self, words: tuple[str, ...], stride: int, pause: timedelta) -> None:
        """Kill a command at every `stride`-th write, before it or after it in turn, until it is done."""
        for after in cycle((False, True)):
            if not self._dies(words, AtWrite(stride, after=after), pause):
                break
        self.figures.runs += self.operator.carry_on(*words)

    def undone_in_spite_of_kills(self, kills: Kills, before: dict[str, Any]) -> None:
        """What this tool made is gone, and nothing else."""
        enforced = len(self.cloud.writes())
        if kills.rollback:
            made = sum(isinstance(done.outcome, Applied) for done in self.operator.progress.changes)
            self._disturb(ROLLBACK, kills.rollback, made)
        else:
            self._die_often(ROLLBACK, kills.stride, BETWEEN_RUNS)
        done = changes_of(self.operator.progress, "rollback", Stage.ENFORCE)
        assert before == self.cloud.state()
        nothing_is_lost_or_done_twice(self.cloud.writes()[enforced:], done)
        every_intent_has_one_outcome(self.operator.records)
        assert {} == self.operator.progress.placed
        assert {} == self.operator.progress.carried
        self.figures.undone = sum(isinstance(change.outcome, Applied) for change in done)

    def _disturb(self, words: tuple[str, ...], kills: int, changes: int, stage: Stage | None = None) -> None:
        """In bad weather, kill so many runs of a command that is to make so many changes, then let it end."""
        self.cloud.weather(self.dice.randrange(2**32))
        ends_at = self._effects() + changes
        for left in range(kills, 0, -1):
            while not self._killed(words, (ends_at - self._effects()) // (left + 1)):
                pass
        self.figures.runs += self.operator.carry_on(*words)
        while stage is not None and self.operator.carried(stage) < self.operator.waves:
            self.figures.runs += self.operator.carry_on(*words)
        self.cloud.weather(None)

    def _effects(self) -> int:
        return sum(write.effect for write in self.cloud.writes())

    def _killed(self, words: tuple[str, ...], pace: int) -> bool:
        """Run a command and kill it; False when it was done before. `pace`: so many changes are to be made by a run."""
        return self._dies(words, draw(self.dice, pace, self.startup), BETWEEN_RUNS)

    def _dies(self, words: tuple[str, ...], moment: Moment, pause: timedelta) -> bool:
        """Run a command and kill it at this moment; False when it was done before. Then let a while pass."""
        old, mark = set(segments(self.operator.folder)), len(self.cloud.writes())
        process = self.operator.begin(*words)
        began = time.monotonic()
        self.figures.runs += 1
        died = moment.kill(process, self.operator.folder, self.cloud)
        assert died or process.code in DONE, self.operator.said[-3000:]
        if died and not isinstance(moment, AfterAWhile):
            self.startup = min(self.startup, time.monotonic() - began)
        fresh = [path for path in segments(self.operator.folder) if path not in old]
        if died:
            phase = self._phase(fresh[0] if fresh else None, mark)
            self.figures.kills[phase] += 1
            if fresh and self.dice.random() < 0.5:
                self._tear(fresh[0])
        self.cloud.advance(pause)
        return died

    def _phase(self, segment: Path | None, mark: int) -> str:
        """Say what a dead run was at."""
        if segment is None:
            return "before the run began"
        mine = [record for record in self.operator.records if record.run == segment.stem]
        settled = {
            record.number for record in mine if isinstance(record, Settled) and record.of == segment.stem
        }
        intents = [record for record in mine if isinstance(record, Intent)]
        left_open = [record for record in intents if record.number not in settled]
        made = {key_of_write(write) for write in self.cloud.writes()[mark:] if write.effect}
        if any(key_of(record.change) in made for record in left_open):
            return "written, outcome not recorded"
        if left_open:
            return "intended, not written"
        return "between two changes" if intents else "reading, or settling what was left open"

    def _tear(self, segment: Path) -> None:
        """Add the beginning of a record that did not get to the disk whole."""
        intents = [record for record in self.operator.records if isinstance(record, Intent)]
        if intents:
            line = line_of(self.dice.choice(intents))
            with segment.open("ab") as stream:
                stream.write(line[: self.dice.randrange(1, len(line) - 1)])
            self.figures.torn += 1


def kill_test(folder: Path, size: Size, kills: Kills, seed: int) -> Figures:
    """Do all of it; an AssertionError says what was not kept."""
    began = time.monotonic()
    description = folder / "organization.yaml"
    describe(size, description)
    with Cloud.start(description) as cloud, Cloud.start(description) as calm:
        operator = Operator(folder / "killed", cloud, size.waves)
        test = KillTest(operator, Operator(folder / "calm", calm, size.waves), seed)
        before = cloud.state()
        test.prepare()
        with ThreadPoolExecutor(1) as pool:
            ideal = pool.submit(_undisturbed, test.twin)
            if kills.notify:
                test.told_in_spite_of_kills(kills.notify, ideal.result().notify)
            else:
                _tell(operator)
            test.enforced_in_spite_of_kills(kills.enforce, ideal.result().enforce)
        test.has_nothing_left_to_do()
        test.let_out_and_back_in_spite_of_kills(kills.stride)
        test.undone_in_spite_of_kills(kills, before)
        test.figures.troubles = cloud.troubles()
    test.figures.seconds = time.monotonic() - began
    return test.figures


def _undisturbed(twin: Operator) -> Writes:
    """Carry all waves in fair weather; tell how many writes that takes."""
    before = len(twin.cloud.writes())
    _tell(twin)
    told = len(twin.cloud.writes())
    for _ in range(twin.waves):
        twin.run(*ENFORCE)
    return Writes(told - before, len(twin.cloud.writes()) - told)


def _tell(operator: Operator) -> None:
    """Tell everybody; after that it is time for new credential reports."""
    for _ in range(operator.waves):
        operator.run(*NOTIFY)
    operator.cloud.advance(BETWEEN_RUNS)


def _told(operator: Operator) -> dict[str, int]:
    return {user_id: len(notices) for user_id, notices in operator.progress.told.items()}
