"""Finds drift of users: who is enforced in fact, who is not, who cannot sign in, and who is not in the plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.drift.drift_kinds import Drift, Drifted, drift_of_user
from rollout.domain.people.users import User
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.progress.projection import KnownEnforcement
from rollout.domain.progress.records import Enforcement
from rollout.domain.progress.release_state import describe_release
from rollout.domain.verdicts.passwords import password_obstacle
from rollout.domain.verdicts.verdict import Code, Kind, Verdict

SOON = timedelta(days=7)
"""A password that expires within this time counts as a deadlock to come."""


def seen(context: AccountContext, user: User) -> KnownEnforcement:
    """Find whether our policy takes effect on a user as the account was just read, and why not if it does not."""
    verdict, placed = context.verdict(user), user.id in context.progress.placed
    mine = {context.ours.policy.arn, *context.ours.adopted}
    if verdict.enforced_by_us:
        found = Enforcement.ENFORCED
    elif context.ours.group.name in user.groups or mine & {*user.attached}:
        out = Enforcement.BRAKE_PULLED if context.brake_pulled else Enforcement.WITHOUT_EFFECT
        found = out if placed else Enforcement.NEVER
    elif verdict.kind is Kind.EXEMPT:
        found = Enforcement.UNDONE  # an exempt user is meant to be out, whoever took them out
    elif context.was_released(user):
        found = Enforcement.RELEASED
    else:
        found = Enforcement.TAKEN_OUT if placed else Enforcement.NEVER
    return KnownEnforcement(user.ref, context.now, found, context.wave_of(user), verdict.enforced_by_us)


def deadlock(context: AccountContext, user: User) -> str:
    """Say why an enforced user can no longer sign in, or soon cannot; empty if they can."""
    if user.has_device or not context.is_under_policy(user) or context.brake_pulled:
        return ""
    return password_obstacle(user, context.facts.password_policy, context.now, SOON)


def about_out(context: AccountContext, user: User, *, by_us: bool) -> Iterator[Drift]:
    """Find a user who is no longer under the policy, unless a release lets them out."""
    if context.is_released(user):
        return
    if by_us:
        yield drift_of_user(Drifted.RELEASE_EXPIRED, user, "this user is over, but they are not back")
    else:
        yield drift_of_user(Drifted.MEMBERSHIP_REMOVED, user)


def about_user(context: AccountContext, user: User, *, explained: bool) -> Iterator[Drift]:
    """Find drift of a user as AWS is now."""
    verdict = context.verdict(user)
    ours = context.is_under_policy(user)
    works = context.is_denied(user)
    why = deadlock(context, user) if works else ""
    if why:
        yield drift_of_user(Drifted.DEADLOCK, user, why)
    if release := context.disregarded_release(user):
        yield drift_of_user(Drifted.RELEASED_BUT_ENFORCED, user, describe_release(release))
    elif ours and works and verdict.harmed_by_enforcement and not why:
        yield drift_of_user(Drifted.HELD_BUT_ENFORCED, user, ", ".join(verdict.codes), verdict.cure)
    elif ours and verdict.kind is Kind.EXEMPT and not why:
        yield drift_of_user(Drifted.EXEMPT_BUT_ENFORCED, user, verdict.reasons[0].detail)
    known = user.id in context.progress.placed or user.id in context.progress.releases.to_return
    if user in context.members and not known:
        yield drift_of_user(Drifted.FOREIGN_MEMBER, user, context.ours.group.name)
    if known and not works and not explained and not context.brake_pulled and not context.is_released(user):
        yield drift_of_user(Drifted.NOT_ENFORCED, user)


def about_class(context: AccountContext, user: User, entry: PlanEntry) -> Iterator[Drift]:
    """Find a user whose verdict differs from the plan's."""
    verdict = context.verdict(user)
    over = entry.exempt_until is not None and entry.exempt_until < context.now.date()
    if entry.verdict is Kind.EXEMPT and over and verdict.kind is not Kind.EXEMPT:
        yield drift_of_user(Drifted.EXEMPTION_EXPIRED, user, f"{entry.exempt_until}; is {_text(verdict)}")
        return
    placed = context.is_under_policy(user)
    same = (
        verdict.kind is entry.verdict and not _worse(verdict, entry) and not _got_credentials(verdict, entry)
    )
    # Of users under the policy, `about_user` reports what matters.
    if same or (placed and (verdict.kind is not Kind.ENFORCE or entry.verdict is Kind.ENFORCE)):
        return
    was = f"{entry.verdict} ({', '.join(entry.because)})"
    yield drift_of_user(Drifted.CLASS_CHANGED, user, f"{was}, is {_text(verdict)}")


def _got_credentials(verdict: Verdict, entry: PlanEntry) -> bool:
    return Code.NO_CREDENTIALS in entry.because and Code.NO_CREDENTIALS not in verdict.codes


def _worse(verdict: Verdict, entry: PlanEntry) -> bool:
    now, planned = verdict.impact, entry.impact
    return now is not None and planned is not None and now.worse_than(planned)


def new_user(context: AccountContext, user: User) -> Drift:
    """Report a user who is not in the plan."""
    return drift_of_user(Drifted.NEW_USER, user, _text(context.verdict(user)))


def _text(verdict: Verdict) -> str:
    return f"{verdict.kind} ({', '.join(verdict.codes)})"
