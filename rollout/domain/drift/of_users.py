"""Drift of people: who is enforced in fact, who is not, who cannot get in, and of whom the plan knows nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from rollout.domain.actions.sight import Sight
from rollout.domain.actions.wishes import is_braked
from rollout.domain.drift.drift_kinds import BY_MACHINE, FIX, PLAN_AGAIN, Drift, Drifted, of_user
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
        yield of_user(
            Drifted.RELEASE_EXPIRED,
            user,
            "the release of this user is over, and they are not back",
            "nobody has run apply or verify --fix since",
            FIX,
        )
        return
    yield of_user(
        Drifted.MEMBERSHIP_REMOVED,
        user,
        "was enforced by this tool, and is not under the policy any more",
        f"taken out {BY_MACHINE}: that counts as a release",
        f"rollout release --user {user.arn} --end, or rollout verify --fix memberships for all of them",
    )


def about_user(sight: Sight, user: User, *, explained: bool) -> Iterator[Drift]:
    """Find what is wrong with a user as things stand."""
    verdict = sight.verdict(user)
    ours = sight.is_placed(user)
    works = in_fact(sight, user)
    trap = deadlock(sight, user)
    if trap and works:
        yield of_user(
            Drifted.DEADLOCK,
            user,
            f"is enforced, has no device, and {trap}",
            "the password was reset, or nobody enrolled in time",
            f'rollout release --user {user.arn} --reason "deadlock", then have them enrol',
        )
    elif ours and works and verdict.kind is Kind.HOLD:
        codes = ", ".join(verdict.codes)
        yield of_user(
            Drifted.HELD_BUT_ENFORCED,
            user,
            f"is enforced, but would be held today: {codes}",
            "the user's credentials, rights or settings have changed since",
            f'{verdict.cure}; or rollout release --user {user.arn} --reason "…"',
        )
    elif ours and verdict.kind is Kind.EXEMPT:
        yield of_user(
            Drifted.EXEMPT_BUT_ENFORCED,
            user,
            f"is exempt ({verdict.reasons[0].detail}), and enforced",
            "exempted since enforcement",
            "rollout plan, then apply --stage enforce: it takes them out",
        )
    known = user.id in sight.progress.placed or user.id in sight.progress.releases.returning
    in_our_group = user in sight.members
    if in_our_group and not known:
        yield of_user(
            Drifted.FOREIGN_MEMBER,
            user,
            f"is in our group {sight.site.names.group}, and was not put there by this tool",
            f"added {BY_MACHINE}",
            "take the user out by hand, or plan again so that they are judged and told",
        )
    if known and not works and not explained and not is_braked(sight) and not sight.is_let_out(user):
        yield of_user(
            Drifted.NOT_ENFORCED,
            user,
            "is under the policy, and yet not everything is denied without MFA",
            "the documents that bind this user do not say what they should, or could not be read",
            f"rollout show --user {user.arn}",
        )


def about_class(sight: Sight, user: User, entry: Entry) -> Iterator[Drift]:
    """Say that a user is to be treated otherwise than the plan decided."""
    verdict = sight.verdict(user)
    over = entry.exempt_until is not None and entry.exempt_until < sight.now.date()
    if entry.verdict is Kind.EXEMPT and over and verdict.kind is not Kind.EXEMPT:
        yield of_user(
            Drifted.EXEMPTION_EXPIRED,
            user,
            f"the exemption ended on {entry.exempt_until}; is {_said(verdict)} now",
            "nobody has renewed it",
            f"renew it in rollout.yaml, or {PLAN_AGAIN}",
        )
        return
    placed = sight.is_placed(user)
    same = verdict.kind is entry.verdict and not _worse(verdict, entry)
    if same or (placed and verdict.kind in (Kind.HOLD, Kind.EXEMPT, Kind.COVERED)):
        return  # in the last cases said already, or no matter
    if placed and entry.verdict is Kind.ENFORCE:
        return
    was = f"{entry.verdict} ({', '.join(entry.because)})"
    yield of_user(
        Drifted.CLASS_CHANGED,
        user,
        f"was {was}, is {_said(verdict)} now",
        "credentials, devices, rights or settings have changed since the plan",
        PLAN_AGAIN,
    )


def _worse(verdict: Verdict, entry: Entry) -> bool:
    now, planned = verdict.impact, entry.impact
    return now is not None and planned is not None and now.worse_than(planned)


def new_user(sight: Sight, user: User) -> Drift:
    """Say that nobody has planned for a user."""
    return of_user(
        Drifted.NEW_USER,
        user,
        f"is not in the plan; is {_said(sight.verdict(user))}",
        "created since the plan",
        PLAN_AGAIN,
    )


def _said(verdict: Verdict) -> str:
    return f"{verdict.kind} ({', '.join(verdict.codes)})"
