"""Judges the users of a task again by what the account holds now, and says who may move.

See design.md#stages-and-gates, design.md#plan-file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rollout.domain.actions.placing import Site, Target, is_placed
from rollout.domain.gates.readiness import comes_back, free_until
from rollout.domain.people.inventory import AccountFacts, Observed
from rollout.domain.people.users import User
from rollout.domain.plan.entries import Entry
from rollout.domain.plan.planning import groups_of
from rollout.domain.policy.changes import (
    SkipCode,
    Skipped,
)
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.surroundings import Surroundings, surroundings
from rollout.domain.verdicts.verdict import Kind, Verdict
from rollout.workflows.apply.task import Done, Step, Task
from rollout.workflows.ports import OpenAccount, Refusal


@dataclass(frozen=True, slots=True)
class Scene:
    """One account as it was read a moment ago, beside what is to be done there."""

    task: Task
    step: Step
    entered: OpenAccount
    facts: AccountFacts
    around: Surroundings
    site: Site

    def judged(self, user: User) -> Verdict:
        """Judge a user of this account by today's rules."""
        return judge(user, self.around, self.step.order.rules, self.step.tools.clock.now())


@dataclass(frozen=True, slots=True)
class Case:
    """A user who goes on: to be moved, or `placed` already."""

    entry: Entry
    user: User
    verdict: Verdict
    placed: bool

    @property
    def targets(self) -> tuple[Target, ...]:
        """The user as a target, where the verdict says by which way."""
        return (Target(self.user, self.verdict.attachment),) if self.verdict.attachment is not None else ()


def look(task: Task, step: Step, entered: OpenAccount) -> Scene:
    """Read the account once, and work out what stands there under our names."""
    facts, rules = entered.read(), step.order.rules
    levels = None if step.levels is None else step.levels.get(task.account.id)
    observed = Observed(task.account, entered.role, facts, levels)
    ours = groups_of(task.account.id, step.progress.groups_made)
    around = surroundings(observed, rules, step.library, step.tools.clock.now(), ours)
    standing = around.standing
    attached = tuple(
        user.name
        for user in facts.users
        if standing.policy.arn in user.attached
        or (rules.names.group in user.groups and standing.policy.arn in standing.group_has)
    )
    tags = {
        "rollout:tool": "rollout",
        "rollout:version": step.order.version,
        "rollout:plan": step.order.plan.header.id,
    }
    quota = facts.quotas.versions_per_policy
    pulled_by_us = task.account.id in step.progress.releases.braked
    over = pulled_by_us and not step.account_released(task.account.id)
    site = Site(task.account.id, standing, rules.names, rules.documents, tags, quota, attached, over)
    return Scene(task, step, entered, facts, around, site)


def judge_again(scene: Scene, done: Done) -> tuple[Case, ...]:
    """Find who goes on; everybody else is left alone, on record. Ends early when the run is asked to stop."""
    cases: list[Case] = []
    for entry, user in _still_there(scene, done):
        if scene.step.tools.stopping() or scene.step.watch.lost:
            done.interrupted = True
            break
        try:
            now = _as_of_now(user, scene)
        except Refusal as refusal:
            done.leave(entry, Skipped(SkipCode.GONE, refusal.why), scene.step)
            continue
        case = Case(entry, now, scene.judged(now), is_placed(now, scene.site))
        why_not = _why_not(case, scene)
        if why_not is None:
            cases.append(case)
        else:
            done.leave(entry, why_not, scene.step)
    return tuple(cases)


def _still_there(scene: Scene, done: Done) -> Iterator[tuple[Entry, User]]:
    by_id = {user.id: user for user in scene.facts.users}
    names = {user.name for user in scene.facts.users}
    for entry in scene.task.entries:
        user = by_id.get(entry.user.id)
        if user is not None:
            yield entry, user
            continue
        other = "the name belongs to another user now" if entry.user.name in names else "deleted"
        done.leave(entry, Skipped(SkipCode.GONE, other), scene.step)


def _as_of_now(user: User, scene: Scene) -> User:
    """Ask a user's credentials live before enforcing, unless the report was made in this very run.

    Who has a password and no device is always asked: that is where a lock-out would happen
    (design.md#stages-and-gates).
    """
    if scene.step.stage is not Stage.ENFORCE or is_placed(user, scene.site):
        return user
    could_be_trapped = user.password is not None and not user.mfa_active
    if user.facts_at >= scene.step.started and not could_be_trapped:
        return user
    return scene.entered.credentials_now(user)


def _comes_back_with_the_group(case: Case, scene: Scene) -> bool:
    """Tell whether a release that is over took the policy off the group, and the user is in it still."""
    return scene.site.release_over and scene.site.names.group in case.user.groups


def _why_not(case: Case, scene: Scene) -> Skipped | None:
    """Say why a user is left alone; None when they go on."""
    verdict, step = case.verdict, scene.step
    if verdict.kind is Kind.EXEMPT:
        return Skipped(SkipCode.EXEMPT, verdict.reasons[0].detail)
    # Under a foreign policy that says the same, whom we placed is covered by it: that is no drift.
    placed_there = case.placed and verdict.kind is Kind.COVERED
    if verdict.kind is not Kind.ENFORCE and not placed_there:
        now = "; ".join(f"{reason.code}: {reason.detail}" for reason in verdict.reasons)
        return Skipped(
            SkipCode.DRIFT, f"was enforce ({', '.join(case.entry.because)}), is {verdict.kind}: {now}"
        )
    enforcing = case.placed or step.stage is Stage.ENFORCE
    if enforcing and (release := step.released(case.entry.user, case.entry.wave)):
        return Skipped(SkipCode.RELEASED, release)
    if (
        not case.placed
        and case.user.id in step.progress.placed
        and not _comes_back_with_the_group(case, scene)
    ):
        return Skipped(SkipCode.RELEASED, "somebody took the user out by hand; left so")
    if scene.site.braked and enforcing:
        return Skipped(SkipCode.RELEASED, "the brake is pulled in this account")
    if step.stage is Stage.NOTIFY or case.placed or verdict.impact is None:
        return None
    if comes_back(case.user.id, verdict.impact, step.progress):
        return None
    now_at = step.tools.clock.now()
    since = free_until(case.user, step.order.rules.exemptions, step.progress, now_at)
    return step.order.readiness.holds_back(case.user.id, verdict.impact, step.progress, now_at, since)
