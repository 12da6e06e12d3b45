"""Carries a plan to a stage: what is due, may it move, and then account after account (DESIGN §6, §8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rollout.domain.gates import GateAnswer, Result, dry_run_done, next_due, soak
from rollout.domain.journal.records import (
    AccountFailed,
    GateOverridden,
    GateRead,
    RunEnded,
    RunStarted,
    WaveCarried,
)
from rollout.domain.journal.replay import Progress, replay
from rollout.domain.organization import AccountState
from rollout.domain.plan import Entry
from rollout.domain.schedule import due_dates
from rollout.domain.stages import Stage
from rollout.domain.users import Unread
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import EmptySelection, Refused, RolloutError
from rollout.workflows.apply.account import Done, Step, Task, carry
from rollout.workflows.apply.changes import Maker, Numbering
from rollout.workflows.apply.guards import check_plan
from rollout.workflows.apply.notices import tell
from rollout.workflows.apply.order import Applied, Order, Tally, Tools
from rollout.workflows.inventory import Premises, read_levels


@dataclass(frozen=True, slots=True)
class Due:
    """The waves that a run carries, the gates that were asked, and why nothing is due where that is so."""

    waves: tuple[str, ...]
    gates: tuple[tuple[str, GateAnswer], ...] = ()
    why_nothing: str = ""


def apply_plan(order: Order, tools: Tools, where: Premises) -> Applied:
    """Carry the plan. Raises Refused, PlanRefused, OtherOrganization, LockHeld, EmptySelection."""
    now = tools.clock.now()
    check_plan(order, where.organization, now)
    progress = replay(tools.journal.records(), where.organization.id)
    due = waves_due(order, progress, now)
    answers = tuple(answer for _, answer in due.gates)
    if not due.waves:
        return Applied(order.stage, (), answers, Tally(), progress, why_nothing=due.why_nothing)
    with tools.lock.hold(where.organization.id, f"apply --stage {order.stage}"):
        run = _Run(order, tools, where, progress, due)
        try:
            return run.carry()
        except RolloutError:
            tools.journal.append(RunEnded(order.run, tools.clock.now(), "refused"))
            raise


def waves_due(order: Order, progress: Progress, now: datetime) -> Due:
    """Find which waves to carry, and ask their gates. Raises Refused when a gate says no."""
    users = order.plan.header.waves
    filled = tuple(wave for wave, count in users.items() if count)
    if order.wave is not None and order.wave not in users:
        known = ", ".join(users) or "none"
        raise EmptySelection(f'the plan has no wave "{order.wave}"', cure=f"waves of this plan: {known}")
    if order.wave is not None and order.wave not in filled:
        raise EmptySelection(f'nobody is in wave "{order.wave}"', cure="take another wave, or plan again")
    if not filled:
        return Due((), why_nothing="nobody in this plan is to be enforced")
    if not order.gated:
        return Due((order.wave,) if order.wave else filled)
    rehearsal = dry_run_done(progress, order.plan.header.checksum)
    wave = order.wave or next_due(progress, order.stage, filled)
    open_waves = tuple(name for name in filled if (order.stage, name) in progress.carried)
    if order.wave is not None:
        open_waves = ()
    gates = [(wave or filled[-1], rehearsal)]
    if wave is not None and order.stage is Stage.ENFORCE:
        gates.append((wave, soak(progress, filled, wave, order.soak, now)))
    refused = [answer for _, answer in gates if not _lets_through(answer, order)]
    if any(answer.gate == "dry_run_done" for answer in refused):
        raise Refused(f"gate dry_run_done: {rehearsal.detail}", cure="rollout apply --stage dry-run")
    if refused and order.wave is not None:
        raise Refused(
            f'wave "{wave}" may not move yet: gate {refused[0].gate}: {refused[0].detail}',
            cure=f"wait, or --override-gate {refused[0].gate} --reason WHY",
        )
    if refused:
        said = f'wave "{wave}" is next; gate {refused[0].gate}: {refused[0].detail}'
        return Due(open_waves, tuple(gates), said)
    waves = tuple(name for name in filled if name in open_waves or name == wave)
    return Due(waves, tuple(gates), f"every wave has been carried to {order.stage}")


def _lets_through(answer: GateAnswer, order: Order) -> bool:
    return answer.result is Result.PASS or answer.gate in order.overrides


class _Run:
    """One run, from its first record to its last."""

    def __init__(self, order: Order, tools: Tools, where: Premises, progress: Progress, due: Due) -> None:
        self.order, self.tools, self.where, self.due = order, tools, where, due
        self.progress = progress
        self.tally = Tally()
        self.failed_accounts: set[str] = set()
        self.interrupted = False
        self.maker = Maker(order.run, tools.journal, tools.clock, Numbering())
        self.started = tools.clock.now()
        self.library = Library()

    def carry(self) -> Applied:
        """Carry every step, then say how it ended."""
        self._begin()
        levels = read_levels(self.tools.organization, self.where.accounts, self.order.scps)
        by_account = None if isinstance(levels, Unread) else levels.by_account
        touched = False
        for stage in self.order.steps:
            # A rehearsal's second step builds on what its first one noted.
            self.progress = replay(self.tools.journal.records(), self.where.organization.id)
            tasks = self._tasks(stage)
            touched = touched or bool(tasks)
            if not tasks or self.interrupted:
                continue
            step = Step(
                stage,
                self.order,
                self.tools,
                self.maker,
                self.progress,
                self.library,
                self.started,
                by_account,
                self._due_dates(),
            )
            self._carry_step(step, tasks)
        if not touched:
            self.tools.journal.append(RunEnded(self.order.run, self.tools.clock.now(), "done"))
            raise EmptySelection(
                "no user of the waves in hand matches --account / --ou / --user",
                cure="see who is in them: rollout show",
            )
        return self._end()

    def _begin(self) -> None:
        header = self.order.plan.header
        now = self.tools.clock.now()
        self.tools.journal.append(
            RunStarted(
                self.order.run,
                now,
                header.organization_id,
                header.id,
                header.checksum,
                self.order.stage,
                self.where.caller.arn,
                self.order.version,
            )
        )
        for wave, answer in self.due.gates:
            self.tools.journal.append(
                GateRead(self.order.run, now, wave, answer.gate, str(answer.result), answer.detail)
            )
            if answer.result is not Result.PASS and answer.gate in self.order.overrides:
                reason = self.order.overrides[answer.gate]
                self.tools.journal.append(
                    GateOverridden(self.order.run, now, wave, answer.gate, reason, self.where.caller.arn)
                )

    def _due_dates(self) -> dict[str, date]:
        filled = tuple(wave for wave, count in self.order.plan.header.waves.items() if count)
        rules = self.order.rules
        return due_dates(self.progress, filled, rules.lead_time, self.order.soak, self.tools.clock.now())

    def _tasks(self, stage: Stage) -> list[Task]:
        accounts = {account.id: account for account in self.where.accounts}
        tasks: list[Task] = []
        for part in self.order.plan.accounts():
            if not self.order.selection.takes_account(part.account_id, part.name, part.ou):
                continue
            entries = tuple(entry for entry in part.entries if self._takes(entry))
            leaving = tuple(entry for entry in part.entries if self._leaves(entry, stage))
            if not entries and not leaving:
                continue
            account = accounts.get(part.account_id)
            if account is None or account.state is not AccountState.ACTIVE:
                state = "not in the organization any more" if account is None else str(account.state)
                self._account_is_gone(part.account_id, state, entries)
                continue
            tasks.append(Task(account, entries, leaving))
        return tasks

    def _takes(self, entry: Entry) -> bool:
        user = entry.user
        chosen = self.order.selection.takes_user(user.arn, user.name, user.id)
        return entry.wave in self.due.waves and chosen

    def _leaves(self, entry: Entry, stage: Stage) -> bool:
        return stage is Stage.ENFORCE and entry.verdict is Kind.EXEMPT and bool(entry.enforced_by)

    def _account_is_gone(self, account_id: str, state: str, entries: tuple[Entry, ...]) -> None:
        self.tools.journal.append(
            AccountFailed(self.order.run, self.tools.clock.now(), account_id, f"account is {state}")
        )
        self.tally.count("gone", len(entries))

    def _carry_step(self, step: Step, tasks: Sequence[Task]) -> None:
        verb = "Telling people in" if step.stage is Stage.NOTIFY else "Enforcing in"
        self.tools.progress.begin(f"{verb} accounts", len(tasks))
        finished: list[tuple[Task, Done]] = []
        for task, done in self.tools.engine.map(lambda task: carry(task, step), tasks):
            finished.append((task, done))
            self.tools.progress.advance(f"{task.account.id} {task.account.name}")
        self.tools.progress.finish()
        for task, done in finished:
            self._add(task, done)
        lines = sorted(
            (line for _, done in finished for line in done.lines),
            key=lambda item: (item[0], item[2].user.arn),
        )
        if not tell(lines, self.order.run, self.tools, self.tally):
            self.interrupted = True
        if not self.interrupted:
            self._mark_carried(step, [done for _, done in finished])

    def _add(self, task: Task, done: Done) -> None:
        for word, count in done.tally.counts.items():
            self.tally.count(word, count)
        self.interrupted = self.interrupted or done.interrupted or self.tools.stopping()
        if done.unreachable:
            self.failed_accounts.add(task.account.id)

    def _mark_carried(self, step: Step, finished: Iterable[Done]) -> None:
        """Note which waves have been carried: nobody waits for a date, nothing failed.

        Who was never told holds a wave back only as long as the wave was not notified (DESIGN §6: a wave stays open).
        """
        done = tuple(finished)
        narrowed = bool(
            self.order.selection.accounts or self.order.selection.ous or self.order.selection.users
        )
        for wave in self.due.waves:
            waits = any(wave in one.waiting or wave in one.failed for one in done)
            untold = any(wave in one.untold for one in done)
            notified = (Stage.NOTIFY, wave) in self.progress.carried
            if waits or narrowed or (untold and not notified):
                continue
            if (step.stage, wave) not in self.progress.carried:
                now = self.tools.clock.now()
                self.tools.journal.append(WaveCarried(self.order.run, now, wave, step.stage))

    def _end(self) -> Applied:
        in_part = bool(self.failed_accounts) or self.tally["failed"] > 0
        ending = "interrupted" if self.interrupted else "in part" if in_part else "done"
        self.tools.journal.append(
            RunEnded(self.order.run, self.tools.clock.now(), ending, dict(self.tally.counts))
        )
        after = replay(self.tools.journal.records(), self.where.organization.id)
        return Applied(
            self.order.stage,
            self.due.waves,
            tuple(answer for _, answer in self.due.gates),
            self.tally,
            after,
            tuple(sorted(self.failed_accounts)),
            why_nothing=self.due.why_nothing,
            interrupted=self.interrupted,
        )
