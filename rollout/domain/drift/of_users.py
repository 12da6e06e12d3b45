"""Drift of people: who is enforced in fact, who is not, who cannot get in, and of whom the plan knows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from rollout.domain.actions.sight import Sight
from rollout.domain.actions.wishes import is_braked
from rollout.domain.drift.drift_kinds import Drift, Drifted, drift_of_user
from rollout.domain.people.users import User
from rollout.domain.plan.entries import Entry
from rollout.domain.verdicts.passwords import password_trap
from rollout.domain.verdicts.rights import rights_of
from rollout.domain.verdicts.verdict import Kind, Verdict

SOON = timedelta(days=7)
"""Within so many days an expiring password counts as a lock-out to come."""


@dataclass(frozen=True, slots=True)
class Enforced:
    """How many users this tool has put under the policy and no release lets out, and for how many it works in fact."""

    expected: int = 0
    in_fact: int = 0


def in_fact(sight: Sight, user: User) -> bool:
    """Tell by evaluation whether everything is denied to this user without MFA, by all the policies that stand."""
    around = sight.around
    return bool(around.examiner.examine(user, rights_of(user, around.observed, around.library)).covered_by)


def count_enforced(sight: Sight) -> Enforced:
    """Count whom this tool has enforced, and who is so in fact; who is let out is not expected."""
    mine = [user for user in sight.facts.users if user.id in sight.progress.placed]
    expected = [user for user in mine if not sight.is_let_out(user)]
    return Enforced(len(expected), sum(in_fact(sight, user) for user in expected))


def deadlock(sight: Sight, user: User) -> str:
    """Say why an enforced user cannot get in any more, or soon will not; empty when they can."""
    if user.has_device or not sight.is_placed(user) or is_braked(sight):
        return ""
    return password_trap(user, sight.facts.password_policy, sight.now, SOON)


def about_out(sight: Sight, user: User, *, by_us: bool) -> Iterator[Drift]:
    """Say that somebody is not under the policy any more, unless a release lets them out."""
    if sight.is_let_out(user):
        return
    if by_us:
        yield drift_of_user(Drifted.RELEASE_EXPIRED, user, "this user is over, and they are not back")
        return
    yield drift_of_user(Drifted.MEMBERSHIP_REMOVED, user)


def about_user(sight: Sight, user: User, *, explained: bool) -> Iterator[Drift]:
    """Find what is wrong with a user as things stand."""
    verdict = sight.verdict(user)
    ours = sight.is_placed(user)
    works = in_fact(sight, user)
    trap = deadlock(sight, user)
    if trap and works:
        yield drift_of_user(Drifted.DEADLOCK, user, trap)
    elif ours and works and verdict.kind is Kind.HOLD:
        yield drift_of_user(Drifted.HELD_BUT_ENFORCED, user, ", ".join(verdict.codes), verdict.cure)
    elif ours and verdict.kind is Kind.EXEMPT:
        yield drift_of_user(Drifted.EXEMPT_BUT_ENFORCED, user, verdict.reasons[0].detail)
    known = user.id in sight.progress.placed or user.id in sight.progress.releases.returning
    in_our_group = user in sight.members
    if in_our_group and not known:
        yield drift_of_user(Drifted.FOREIGN_MEMBER, user, sight.site.names.group)
    if known and not works and not explained and not is_braked(sight) and not sight.is_let_out(user):
        yield drift_of_user(Drifted.NOT_ENFORCED, user)


def about_class(sight: Sight, user: User, entry: Entry) -> Iterator[Drift]:
    """Say that a user is to be treated otherwise than the plan decided."""
    verdict = sight.verdict(user)
    over = entry.exempt_until is not None and entry.exempt_until < sight.now.date()
    if entry.verdict is Kind.EXEMPT and over and verdict.kind is not Kind.EXEMPT:
        yield drift_of_user(Drifted.EXEMPTION_EXPIRED, user, f"{entry.exempt_until}; is {_said(verdict)}")
        return
    placed = sight.is_placed(user)
    same = verdict.kind is entry.verdict and not _worse(verdict, entry)
    if same or (placed and verdict.kind in (Kind.HOLD, Kind.EXEMPT, Kind.COVERED)):
        return  # in the last cases said already, or no matter
    if placed and entry.verdict is Kind.ENFORCE:
        return
    was = f"{entry.verdict} ({', '.join(entry.because)})"
    yield drift_of_user(Drifted.CLASS_CHANGED, user, f"{was}, is {_said(verdict)}")


def _worse(verdict: Verdict, entry: Entry) -> bool:
    now, planned = verdict.impact, entry.impact
    return now is not None and planned is not None and now.worse_than(planned)


def new_user(sight: Sight, user: User) -> Drift:
    """Say that nobody has planned for a user."""
    return drift_of_user(Drifted.NEW_USER, user, _said(sight.verdict(user)))


def _said(verdict: Verdict) -> str:
    return f"{verdict.kind} ({', '.join(verdict.codes)})"
