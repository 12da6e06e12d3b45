"""Carries one step in one account: enter, read once, judge again, change in order, read back.

See design.md#apply-journal-store.
"""

from __future__ import annotations

from dataclasses import replace

from rollout.domain.actions.placing import enforcing, enrolling, is_placed, releasing, renewing
from rollout.domain.gates.readiness import free_until, needs_notice, void
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.domain.policy.standing import State
from rollout.domain.progress.messages import Line
from rollout.domain.progress.records import AccountFailed
from rollout.domain.progress.reminders import mark_due
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Code, Kind
from rollout.workflows.apply.guards import check_adoption
from rollout.workflows.apply.judging import Case, Scene, judge_again, look
from rollout.workflows.apply.making import Making
from rollout.workflows.apply.sending import Saying
from rollout.workflows.apply.task import Done, Step, Task
from rollout.workflows.ports import CannotEnter


def carry(task: Task, step: Step) -> Done:
    """Carry one account. An account that cannot be entered is journalled and answered, never raised."""
    done = Done()
    if step.watch.ends():
        done.interrupted = True
        return done
    begun = any(past.intent.change.account_id == task.account.id for past in step.progress.open)
    try:
        entered = step.tools.access.enter(task.account)
        organization_id = step.order.plan.header.organization_id
        progress = step.maker.settle_all(task.account.id, entered, step.progress, organization_id)
        scene = look(task, replace(step, progress=progress), entered)
        begun = True
        _carry(scene, done)
    except CannotEnter as refusal:
        # Also when access is lost half-way: what was done stays counted, an open intent is settled by the next run.
        now = step.tools.clock.now()
        step.tools.journal.append(
            AccountFailed(step.order.run, now, task.account.id, refusal.why, refusal.cure)
        )
        done.unreachable = True
        # What was begun has to be ended before a wave counts as carried; who was never reached stops nobody else.
        (done.failed if begun else done.untold).update(entry.wave for entry in task.entries)
    return done


def _carry(scene: Scene, done: Done) -> None:
    """Judge everybody again, then change what has to change."""
    standing = scene.around.standing
    for policy in (standing.policy, standing.enrolment):
        if policy.state is State.OURS:
            check_adoption(scene.task.account.id, scene.facts, policy.arn, scene.step.progress)
    cases = judge_again(scene, done)
    if done.interrupted:
        return
    if scene.step.stage is Stage.NOTIFY:
        _enrol(scene, cases, done)
    else:
        _enforce(scene, cases, done)
        _let_out(scene, done)


def _enrol(scene: Scene, cases: tuple[Case, ...], done: Done) -> None:
    """Let people enrol who cannot yet, then find who is to be told what."""
    for case in cases:
        if case.placed:
            done.settle(case.entry, "already enforced")
    coming = tuple(case for case in cases if not case.placed)
    helped = tuple(case for case in coming if Code.ENROLMENT_POLICY in case.verdict.codes)
    making = Making(scene, done, helped)
    making.make(enrolling(scene.site, tuple(target for case in helped for target in case.targets)))
    if done.interrupted:
        return
    for case in coming:
        if case.user.id not in making.failed:
            _tell(case, scene, done)


def _tell(case: Case, scene: Scene, done: Done) -> None:
    impact, step = case.verdict.impact, scene.step
    rules = step.order.rules
    if impact is None or not needs_notice(impact, unaffected_too=rules.notice_for_unaffected):
        done.settle(case.entry, "unaffected")
        return
    now = step.tools.clock.now()
    told = step.progress.last_told(case.user.id)
    since = free_until(case.user, rules.exemptions, step.progress, now)
    wave, address, forecast = case.entry.wave, case.verdict.address, case.verdict.forecast
    if told is None or void(told, impact, now, since):
        line = Line(case.entry.user, scene.task.account.name, impact, step.due[wave], forecast)
        done.lines.append(Saying(address, wave, line))
        return
    done.settle(case.entry, "already told")
    reminded = step.progress.reminded.get(case.user.id, ())
    mark = mark_due(told, step.order.remind_at, reminded, now)
    if mark is not None:
        # The day told stands, whatever day somebody else of the wave would be told now.
        line = Line(case.entry.user, scene.task.account.name, impact, told.due, forecast)
        done.reminders.append(Saying(address, wave, line, mark))


def _enforce(scene: Scene, cases: tuple[Case, ...], done: Done) -> None:
    """Put under the policy who is to come under it, and bring today's document to those who are."""
    placed = tuple(case for case in cases if case.placed)
    for case in placed:
        done.settle(case.entry, "already enforced")
        progress = scene.step.progress
        if case.user.id not in progress.placed or case.user.id in progress.failing:
            _note_present(case, scene)
    coming = tuple(case for case in cases if not case.placed)
    moving = _within_budget(coming, scene, done)
    if not cases or (coming and not moving):
        return
    targets = tuple(target for case in moving for target in case.targets)
    changes = enforcing(scene.site, targets) if moving else renewing(scene.site)
    making = Making(scene, done, moving or placed)
    unjudged = _reached_besides(changes, scene, cases)
    if not unjudged:
        making.make(changes)
        making.read_back()
        return
    why = f"the policy would also reach {', '.join(unjudged)}, who are not to be enforced now"
    for case in moving:
        making.fail(case, why)
    if not moving:
        done.tally.count("policy versions held back")


def _within_budget(cases: tuple[Case, ...], scene: Scene, done: Done) -> tuple[Case, ...]:
    """Leave those of waves that were stopped, so that no policy or group is made for nobody."""
    budgets = scene.step.budgets
    stopped = {wave for wave in {case.entry.wave for case in cases} if budgets.spent(wave)}
    for case in cases:
        if case.entry.wave in stopped:
            done.leave(case.entry, Skipped(SkipCode.BUDGET, budgets.said(case.entry.wave)), scene.step)
    return tuple(case for case in cases if case.entry.wave not in stopped)


def _note_present(case: Case, scene: Scene) -> None:
    names, ref, arn = scene.step.order.rules.names, case.entry.user, scene.site.standing.policy.arn
    change: Change = AddMember(ref.account_id, names.group, ref)
    if arn in case.user.attached:
        change = AttachToUser(ref.account_id, ref, arn)
    scene.step.maker.note_present(change, case.entry.wave)


def _reached_besides(changes: tuple[Change, ...], scene: Scene, cases: tuple[Case, ...]) -> list[str]:
    """Name those whom the policy itself would reach, and who were not found fit for it (design.md#policy-documents).

    A new default version reaches everybody attached; hanging the policy on the group reaches who is in it already.
    """
    reached: set[str] = set()
    for change in changes:
        match change:
            case CreateVersion(attached=names) | SetDefaultVersion(attached=names):
                reached |= set(names)
            case AttachToGroup(group=group):
                reached |= {user.name for user in scene.facts.users if group in user.groups}
            case _:
                pass
    return sorted(reached - {case.user.name for case in cases})


def _let_out(scene: Scene, done: Done) -> None:
    """Take out who was enforced and is exempt now, as the plan says."""
    by_id = {user.id: user for user in scene.facts.users}
    leaving = [(entry, by_id[entry.user.id]) for entry in scene.task.leaving if entry.user.id in by_id]
    cases = tuple(
        Case(entry, user, scene.judged(user), placed=True)
        for entry, user in leaving
        if is_placed(user, scene.site)
    )
    exempt = tuple(case for case in cases if case.verdict.kind is Kind.EXEMPT)
    Making(scene, done, exempt).make(releasing(scene.site, tuple(case.user for case in exempt)))
