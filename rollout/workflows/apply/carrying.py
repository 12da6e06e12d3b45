"""Carries the waves that are due, step by step, account after account, from a run's first record to its last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rollout.domain.people.users import Unread
from rollout.domain.plan.entries import Entry
from rollout.domain.policy.changes import (
    SkipCode,
    Skipped,
)
from rollout.domain.progress.records import (
    RunEnded,
    RunEnding,
    UserSkipped,
    WaveCarried,
)
from rollout.domain.progress.replay import Progress, replay
from rollout.domain.progress.schedule import due_dates
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import EmptySelection, RolloutError
from rollout.workflows.apply.account import carry
from rollout.workflows.apply.beginning import first_records
from rollout.workflows.apply.budgets import Budgets, budgets_of
from rollout.workflows.apply.maker import Maker, Numbering
from rollout.workflows.apply.order import Applied, Due, Order, Tally, Tools, in_part
from rollout.workflows.apply.sending import Telling, remind, tell
from rollout.workflows.apply.task import Done, Step, Task
from rollout.workflows.apply.watch import Watch, lock_lost
from rollout.workflows.inventory import LIFELESS, Premises, left_alone, read_levels
from rollout.workflows.ports import PolicyLevels


class Run:
    """One run: who is in it is worked out before anything is written."""

    def __init__(self, order: Order, tools: Tools, where: Premises, progress: Progress, due: Due) -> None:
        """Share the plan out. Raises EmptySelection when nobody is in hand."""
        self.order, self.tools, self.where, self.due = order, tools, where, due
        self.progress = progress
        self.tally = Tally()
        self.failed_accounts: set[str] = set()
        self.interrupted = False
        self.watch = Watch(tools)
        self.budgets = Budgets()
        self.maker = Maker(order.run, tools.journal, tools.clock, Numbering())
        self.started = tools.clock.now()
        self.library = Library()
        self.tasks: list[Task] = []
        self.aside: list[tuple[Entry, Skipped]] = []
        self._share_out()
        if not self.tasks and not self.aside:
            raise EmptySelection(
                "no user of the waves in hand matches --account / --ou / --user",
                cure="see who is in them: rollout show",
            )

    def carry(self) -> Applied:
        """Carry every step, then say how it ended."""
        self._begin()
        try:
            levels = read_levels(self.tools.organization, self.where.accounts, self.order.scps)
            for stage in self.order.steps:
                if not self.interrupted:
                    self._carry_step(stage, levels)
        except RolloutError:
            self.tools.journal.append(RunEnded(self.order.run, self.tools.clock.now(), RunEnding.REFUSED))
            raise
        if self.watch.lost:
            self._note_end(RunEnding.LOCK_LOST)
            raise lock_lost(self.tools.lock, self.where.organization.id)
        return self._end()

    def _share_out(self) -> None:
        accounts = {account.id: account for account in self.where.accounts}
        for part in self.order.plan.accounts():
            if not self.order.selection.takes_account(part.account_id, part.name, part.ou):
                continue
            entries = tuple(entry for entry in part.entries if self._takes(entry))
            leaving = tuple(entry for entry in part.entries if self._leaves(entry))
            if not entries and not leaving:
                continue
            account = accounts.get(part.account_id)
            if account is None:
                self._set_aside(entries, SkipCode.GONE, "the account is not in the organization any more")
            elif why_not := left_alone(account, self.order.scope):
                self._set_aside(
                    entries,
                    SkipCode.GONE if why_not in LIFELESS.values() else SkipCode.EXCLUDED,
                    f"the account is {why_not}",
                )
            else:
                self.tasks.append(Task(account, entries, leaving))

    def _takes(self, entry: Entry) -> bool:
        return entry.wave in self.due.waves and self._chosen(entry)

    def _leaves(self, entry: Entry) -> bool:
        return entry.verdict is Kind.EXEMPT and bool(entry.enforced_by) and self._chosen(entry)

    def _chosen(self, entry: Entry) -> bool:
        user = entry.user
        return self.order.selection.takes_user(user.arn, user.name, user.id)

    def _set_aside(self, entries: tuple[Entry, ...], code: SkipCode, why: str) -> None:
        self.aside += [(entry, Skipped(code, why)) for entry in entries]

    def _begin(self) -> None:
        now = self.tools.clock.now()
        self.tools.journal.append(*first_records(self.order, self.where.caller.arn, self.due, now))
        for entry, why in self.aside:
            self.tally.count_user(why.code, entry.user.id)
            self.tools.journal.append(
                UserSkipped(self.order.run, now, entry.user, entry.wave, why.code, why.detail)
            )

    def _carry_step(self, stage: Stage, levels: PolicyLevels | Unread) -> None:
        # A rehearsal's second step builds on what its first one noted.
        self.progress = replay(self.tools.journal.records(), self.where.organization.id)
        step = self._step(stage, levels)
        enforcing = stage is Stage.ENFORCE
        tasks = [task if enforcing else replace(task, leaving=()) for task in self.tasks]
        tasks = [task for task in tasks if task.entries or task.leaving]
        finished = self._carry_accounts(step, tasks)
        if len(finished) < len(tasks) or self.watch.ends():
            # Nobody knows what the accounts that were not begun would have said.
            self.interrupted = True
        lines = [line for done in finished for line in done.lines]
        reminders = [line for done in finished for line in done.reminders]
        telling = tell(lines, self.order.run, self.tools, self.tally, self.watch)
        reminding = remind(reminders, self.order.run, self.tools, self.tally, self.watch)
        self.interrupted = self.interrupted or telling.interrupted or reminding.interrupted
        if not self.interrupted:
            self._mark_carried(stage, finished, telling)

    def _step(self, stage: Stage, levels: PolicyLevels | Unread) -> Step:
        order, now = self.order, self.tools.clock.now()
        if stage is Stage.ENFORCE and order.gated:
            self.budgets = budgets_of(
                self.due.waves,
                order.plan.header.waves,
                order.gates.tolerance,
                self.progress,
                forgiven="failure_tolerance" in order.overrides,
            )
        return Step(
            stage,
            order,
            self.tools,
            self.maker,
            self.progress,
            self.library,
            self.started,
            None if isinstance(levels, Unread) else levels.by_account,
            due_dates(self.progress, order.filled, order.rules.lead_time, order.gates.soak, now),
            self.budgets,
            self.watch,
        )

    def _carry_accounts(self, step: Step, tasks: Sequence[Task]) -> list[Done]:
        doing = "Telling people" if step.stage is Stage.NOTIFY else "Enforcing"
        if self.order.stage is Stage.DRY_RUN:
            doing = "Rehearsing notices" if step.stage is Stage.NOTIFY else "Rehearsing enforcement"
        self.tools.progress.begin(doing, sum(task.people for task in tasks))
        finished: list[Done] = []
        for task, done in self.tools.engine.map(lambda task: carry(task, step), tasks):
            finished.append(done)
            self._add(task, done)
            left = max(task.people - done.counted, 0)
            self.tools.progress.advance(f"{task.account.id} {task.account.name}{self._so_far()}", left)
        self.tools.progress.finish()
        return finished

    def _add(self, task: Task, done: Done) -> None:
        self.tally.add(done.tally)
        self.interrupted = self.interrupted or done.interrupted
        if done.unreachable:
            self.failed_accounts.add(task.account.id)

    def _mark_carried(self, stage: Stage, finished: Sequence[Done], telling: Telling) -> None:
        """Note which waves have been carried: nobody waits for a date, nothing failed, and somebody has moved.

        Who was never told holds a wave back only as long as the wave was not notified, or nobody else of it has moved:
        one closed mailbox stops nobody, but a wave in which nobody could be told has shown nothing
        (design.md#stages-and-gates).
        """
        if self.order.narrowed:
            return
        for wave in self.due.waves:
            untold = wave in telling.untold or any(wave in done.untold for done in finished)
            moved = wave in telling.moved or any(wave in done.moved for done in finished)
            notified = stage is Stage.NOTIFY or (Stage.NOTIFY, wave) in self.progress.carried
            waits = any(wave in done.waiting or wave in done.failed for done in finished)
            if waits or (untold and not (moved and notified)):
                continue
            if (stage, wave) not in self.progress.carried:
                now = self.tools.clock.now()
                self.tools.journal.append(WaveCarried(self.order.run, now, wave, stage))

    def _so_far(self) -> str:
        """Say the counts that people wait for."""
        words = ("enforced", "told", "queued", "failed", "budget")
        said = [f"{self.tally[word]} {word}" for word in words if self.tally[word]]
        return f"; {', '.join(said)}" if said else ""

    def _note_end(self, ending: RunEnding) -> None:
        counts = dict(self.tally.counts)
        self.tools.journal.append(RunEnded(self.order.run, self.tools.clock.now(), ending, counts))

    def _end(self) -> Applied:
        self._note_end(self._ending())
        return Applied(
            self.order.stage,
            self.due.waves,
            tuple(answer for _, answer in self.due.gates),
            self.tally,
            replay(self.tools.journal.records(), self.where.organization.id),
            tuple(sorted(self.failed_accounts)),
            why_nothing=self.due.why_nothing,
            interrupted=self.interrupted,
            stopped=tuple(wave for wave in self.due.waves if wave in self.budgets.stopped),
            inherited=self.due.inherited,
            refused=self.due.refused,
        )

    def _ending(self) -> RunEnding:
        if self.interrupted:
            return RunEnding.INTERRUPTED
        if self.budgets.stopped:
            return RunEnding.STOPPED
        if in_part(self.tally, self.failed_accounts):
            return RunEnding.IN_PART
        # A rehearsal of some says nothing about the others: it opens no gate.
        some = self.order.narrowed or self.due.waves != self.order.filled
        return RunEnding.NARROWED if self.order.stage is Stage.DRY_RUN and some else RunEnding.DONE
