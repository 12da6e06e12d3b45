"""Carries out the waves that are due, from the run's first record to its last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rollout.domain.gates import Gatekeeper
from rollout.domain.gates.readiness import Notified
from rollout.domain.people.addresses import normalised_address
from rollout.domain.people.users import Unread
from rollout.domain.plan.impact_counts import Affected
from rollout.domain.policy.changes import SkipCode
from rollout.domain.progress.messages import Line
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import (
    GateOverridden,
    GateRead,
    Record,
    RunEnding,
    RunStarted,
    UserSkipped,
    WaveCarried,
)
from rollout.domain.progress.schedule import Schedule
from rollout.domain.progress.stages import Stage
from rollout.errors import Interrupted, RolloutError
from rollout.workflows.account_run import AccountRunner
from rollout.workflows.account_run.failure_budgets import Budgets, budgets_of
from rollout.workflows.account_run.wave_gates import WaveGates
from rollout.workflows.apply.account import ApplyToAccount, PreviewAccount, Step
from rollout.workflows.apply.order import ApplyResult, Counted, Due, Order, OutcomeTally, RunPreview, in_part
from rollout.workflows.apply.planned_notices import NoticeRules, PlannedNotices
from rollout.workflows.apply.sending import DueNotice, Mail, Sent, announce, remind, tell
from rollout.workflows.apply.shares import PlanShares
from rollout.workflows.inventory import Premises, read_levels
from rollout.workflows.ports import Notifier, OrganizationPort
from rollout.workflows.run_context import JudgementBasis, RunContext


def first_records(order: Order, run: RunContext, due: Due, now: datetime) -> Iterator[Record]:
    """Yield the first records of a run: its start, each gate's answer, and the overrides used."""
    header = order.plan.header
    yield RunStarted(
        run.id,
        now,
        header.organization_id,
        header.id,
        header.checksum,
        order.stage,
        run.caller,
        run.version,
    )
    for wave, answer in due.gates:
        yield GateRead(run.id, now, wave, answer.gate, answer.result, answer.detail)
        if not answer.passes and answer.gate in order.overrides:
            reason = order.overrides[answer.gate]
            yield GateOverridden(run.id, now, wave, answer.gate, reason, run.caller)


class ApplyRun:
    """One run; its users are determined before anything is written."""

    def __init__(
        self,
        order: Order,
        run: RunContext,
        where: Premises,
        *,
        organization: OrganizationPort,
        notifier: Notifier,
        progress: Progress,
        due: Due,
    ) -> None:
        """Select the accounts and users. Raises EmptySelection if there are none."""
        self.order, self.run, self.where, self.due = order, run, where, due
        self.organization, self.notifier = organization, notifier
        self.progress = progress
        self.tally = OutcomeTally()
        self.affected: dict[str, Affected] = {}
        self.failed_accounts: set[str] = set()
        self.interrupted = False
        self.budgets = Budgets()
        self.shares = PlanShares(order, where, due)

    def look(self, rehearsal: RunContext) -> RunPreview:
        """Read and judge as the run will, in a rehearsal without a trace, to find the users for whom it would write.

        Raises Interrupted when asked to stop.
        """
        step, basis = self._step(self.order.steps[-1]), self._basis()
        count = self.shares.count(step.stage)
        commands = (PreviewAccount(*share, step) for share in self.shares.of(step.stage))
        runner = AccountRunner(run=rehearsal, progress=self.progress, basis=basis)
        affected: dict[str, Affected] = {}
        unseen = answered = 0
        for command, result in runner.carry(commands, "Reading and judging", total=count.users):
            answered += not result.interrupted
            affected |= {**command.affected, **command.to_tell}
            if result.unreachable:
                unseen += len(command.entries)
            command.forget()
        if answered < count.accounts:
            raise Interrupted("stopped as requested while reading; nothing was written")
        return RunPreview(self.shares.users, tuple(affected.values()), unseen)

    def carry(self) -> ApplyResult:
        """Carry out every step, and return the result."""
        self._begin()
        try:
            basis = self._basis()
            if Stage.NOTIFY in self.order.steps:
                self.notifier.open()  # before anything is written that people would have to be told of
            for stage in self.order.steps:
                if not self.interrupted:
                    self._carry_step(stage, basis)
        except RolloutError:
            self.run.end(RunEnding.REFUSED, {})
            raise
        finally:
            self.notifier.close()
        return self._end()

    def _begin(self) -> None:
        now = self.run.now()
        self.run.journal.append(*first_records(self.order, self.run, self.due, now))
        for entry, why in self.shares.aside:
            self.tally.count_user(why.code, entry.user.id)
            self.run.journal.append(
                UserSkipped(self.run.id, now, entry.user, entry.wave, why.code, why.detail)
            )

    def _basis(self) -> JudgementBasis:
        levels = read_levels(self.organization, self.where.accounts, self.order.scps)
        scps = None if isinstance(levels, Unread) else levels.by_account
        return JudgementBasis(self.order.rules, scps).tagged(self.run, self.order.plan.header.id)

    def _carry_step(self, stage: Stage, basis: JudgementBasis) -> None:
        if stage is not self.order.steps[0]:
            # A rehearsal's second step builds on what its first one noted.
            self.progress = self.run.replay()
        step = self._step(stage)
        finished = self._carry_accounts(step, basis)
        if len(finished) < self.shares.count(stage).accounts or self.run.ends():
            # The outcome of the accounts not begun is unknown.
            self.interrupted = True
        notices = [notice for command in finished for notice in command.notices]
        reminders = [reminder for command in finished for reminder in command.reminders]
        zone, others = self.order.zone or UTC, self._others([*notices, *reminders])
        mail = Mail(self.run, self.notifier, self.tally, zone, self.progress.in_doubt, others)
        told = tell(notices, mail)
        if stage is self.order.steps[-1]:
            for command in finished:
                reached = {id_: one for id_, one in command.to_tell.items() if id_ in told.told}
                self.affected |= {**command.affected, **reached}
        reminded = remind(reminders, mail)
        enforced = [one for command in finished for one in command.enforced]
        announced = announce(enforced, mail)
        self.interrupted = (
            self.interrupted or told.interrupted or reminded.interrupted or announced.interrupted
        )
        if not self.interrupted:
            self._mark_carried(stage, finished, told)

    def _others(self, told: Sequence[DueNotice]) -> dict[str, list[Line]]:
        """Find the other users of those who get a message, by normalised address: of later waves, or told before."""
        others: defaultdict[str, list[Line]] = defaultdict(list)
        if told:
            rules = NoticeRules(Notified.by(self.order.rules), self._schedule)
            notices = PlannedNotices(self.order.plan, self.progress, rules, self.run.now())
            addresses = {normalised_address(one.address) for one in told}
            for planned in notices.to(addresses, besides={one.line.user.id for one in told}):
                others[normalised_address(planned.addressee.address)].append(planned.line)
        return others

    @property
    def _schedule(self) -> Schedule:
        order = self.order
        return Schedule(order.rules.lead_time, order.gates.soak, order.zone)

    def _step(self, stage: Stage) -> Step:
        order = self.order
        if stage is Stage.ENFORCE and order.gated:
            self.budgets = budgets_of(
                self.due.waves,
                order.plan.header.waves,
                order.gates.tolerance,
                self.progress,
                forgiven="failure_tolerance" in order.overrides,
            )
        due = self._schedule.due(self.progress, order.filled, self.run.now())
        return Step(stage, order, due, self.budgets)

    @property
    def _gates(self) -> WaveGates | None:
        """The gates of the waves in hand: they have been asked, but the calendar goes on."""
        order = self.order
        if not order.gated:
            return None
        keeper = Gatekeeper.of(self.progress, order.gates, order.plan.header, self.run.now())
        return WaveGates(keeper, self.run, order.overrides, opened=self.due.waves)

    def _carry_accounts(self, step: Step, basis: JudgementBasis) -> list[ApplyToAccount]:
        doing = "Sending notices" if step.stage is Stage.NOTIFY else "Enforcing"
        if self.order.stage is Stage.DRY_RUN:
            doing = "Rehearsing notices" if step.stage is Stage.NOTIFY else "Rehearsing enforcement"
        runner = AccountRunner(
            run=self.run, progress=self.progress, basis=basis, budgets=self.budgets, gates=self._gates
        )
        finished: list[ApplyToAccount] = []
        commands = (ApplyToAccount(*share, step) for share in self.shares.of(step.stage))
        users = self.shares.count(step.stage).users
        for command, result in runner.carry(commands, doing, self._so_far, total=users):
            finished.append(command)
            self.tally.add(command.tally)
            self.interrupted = self.interrupted or result.interrupted
            if result.unreachable:
                self.failed_accounts.add(command.account.id)
                # An account that was begun holds its waves back until it is finished; one never reached does not.
                marked = command.waves.failed if result.begun else command.waves.untold
                marked.update(entry.wave for entry in command.entries)
            command.forget()
        return finished

    def _mark_carried(self, stage: Stage, finished: Sequence[ApplyToAccount], told: Sent) -> None:
        """Journal the waves that are complete: nobody waits for a date, and nothing failed.

        Users who cannot be told hold a wave back only until it is notified and another of its users was processed: one
        closed mailbox does not stop a wave, but a wave in which nobody could be told is not complete
        (design.md#stages-and-gates).
        """
        if self.order.narrowed:
            return
        fared = [command.waves for command in finished]
        for wave in self.due.waves:
            untold = wave in told.untold or any(wave in waves.untold for waves in fared)
            moved = wave in told.moved or any(wave in waves.moved for waves in fared)
            notified = stage is Stage.NOTIFY or (Stage.NOTIFY, wave) in self.progress.carried
            waits = any(wave in waves.waiting or wave in waves.failed for waves in fared)
            if waits or (untold and not (moved and notified)):
                continue
            if (stage, wave) not in self.progress.carried:
                self.run.journal.append(WaveCarried(self.run.id, self.run.now(), wave, stage))

    def _so_far(self) -> str:
        """Describe the main counts so far."""
        awaited = (Counted.ENFORCED, Counted.TOLD, Counted.QUEUED, SkipCode.FAILED, SkipCode.BUDGET)
        counts = [f"{self.tally[what]} {what}" for what in awaited if self.tally[what]]
        return f"; {', '.join(counts)}" if counts else ""

    def _end(self) -> ApplyResult:
        self.run.end(self._ending(), self.tally.counts)
        return ApplyResult(
            self.order.stage,
            self.due.waves,
            tuple(answer for _, answer in self.due.gates),
            self.tally,
            self.run.history(),
            tuple(sorted(self.failed_accounts)),
            why_nothing=self.due.why_nothing,
            interrupted=self.interrupted,
            stopped=tuple(wave for wave in self.due.waves if wave in self.budgets.stopped),
            inherited=self.due.inherited,
            refused=self.due.refused,
            affected=tuple(self.affected.values()),
        )

    def _ending(self) -> RunEnding:
        if self.interrupted:
            return RunEnding.INTERRUPTED
        if self.budgets.stopped:
            return RunEnding.STOPPED
        if in_part(self.tally, self.failed_accounts):
            return RunEnding.IN_PART
        # A partial rehearsal opens no gate: it proves nothing about the other users.
        some = self.order.narrowed or self.due.waves != self.order.filled
        return RunEnding.NARROWED if self.order.stage is Stage.DRY_RUN and some else RunEnding.DONE
