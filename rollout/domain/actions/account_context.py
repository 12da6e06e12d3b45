"""Everything that is known of one account while it is worked on: read, judged, and what the journal says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from rollout.domain.people.inventory import Observed
from rollout.domain.people.users import User
from rollout.domain.plan.planning import groups_of
from rollout.domain.policy.our_resources import Brake, State, brake_of
from rollout.domain.progress.records import Released
from rollout.domain.progress.release_state import account_release, user_release
from rollout.domain.progress.releases import ReleaseRecord
from rollout.domain.progress.replay import Progress
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.judged_account import JudgedAccount, judged_account
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.verdict import Kind, Verdict


@dataclass(frozen=True, slots=True)
class AccountContext(JudgedAccount):
    """One account as it was read at `now`, beside what the journal says of it.

    `releases` are the releases and their ends, oldest first. `tags` go on policies that are made here.
    """

    progress: Progress
    releases: Sequence[ReleaseRecord]
    tags: Mapping[str, str] = field(default_factory=dict)
    _verdicts: dict[str, tuple[User, Verdict]] = field(default_factory=dict, compare=False)

    # --- Users ---

    def verdict(self, user: User) -> Verdict:
        """Judge a user of this account, once as long as the same facts are given."""
        known = self._verdicts.get(user.id)
        if known is None or known[0] is not user:
            known = self._verdicts[user.id] = user, judge(user, self)
        return known[1]

    def with_users(self, users: Mapping[str, User]) -> AccountContext:
        """Go by newer facts about some users, by UserId."""
        known = tuple(users.get(user.id, user) for user in self.facts.users)
        return replace(self, facts=replace(self.facts, users=known))

    def is_under_policy(self, user: User) -> bool:
        """Tell whether the user is under our policy, or under its foreign equal; also while the brake is pulled."""
        policy, group = self.ours.policy, self.ours.group
        if policy.state is State.CLASH:
            return False
        in_group = group.name in user.groups and group.state is State.OURS and policy.arn in group.attached
        return in_group or policy.arn in user.attached

    def may_enforce(self, user: User) -> bool:
        """Tell whether the policy may reach this user: today's rules enforce, or others do it already."""
        return self.verdict(user).kind in (Kind.ENFORCE, Kind.COVERED)

    def wave_of(self, user: User) -> str:
        """Name the wave in which the user was enforced; empty where the journal knows of none."""
        returning = self.progress.releases.returning.get(user.id)
        placed = self.progress.placed.get(user.id)
        return returning.wave if returning else placed.wave if placed else ""

    def is_released(self, user: User) -> bool:
        """Tell whether a release that still lasts lets the user out."""
        wave = self.wave_of(user)
        return user_release(self.releases, self.account.id, user.id, wave, self.now) is not None

    def was_released(self, user: User) -> bool:
        """Tell whether a release took the user out, to be put back when it is over."""
        return user.id in self.progress.releases.returning

    @property
    def taken_out(self) -> tuple[User, ...]:
        """Who was put under our policy and is there no more, by a release or by somebody's hand."""
        group, arn, progress = self.ours.group.name, self.ours.policy.arn, self.progress
        return tuple(
            user
            for user in self.facts.users
            if (user.id in progress.placed or user.id in progress.releases.returning)
            and not (group in user.groups or arn in user.attached or self.is_under_policy(user))
        )

    @property
    def members(self) -> tuple[User, ...]:
        """Who is in our group."""
        group = self.ours.group
        if group.state is not State.OURS:
            return ()
        return tuple(user for user in self.facts.users if group.name in user.groups)

    @property
    def attached(self) -> tuple[User, ...]:
        """Everybody whom a new default version of our policy reaches."""
        arn, group = self.ours.policy.arn, self.ours.group
        by_group = arn in group.attached
        return tuple(
            user
            for user in self.facts.users
            if arn in user.attached or (by_group and group.name in user.groups)
        )

    # --- The account ---

    @property
    def release(self) -> Released | None:
        """The release that lets the whole account out now."""
        return account_release(self.releases, self.account.id, self.now)

    @property
    def release_over(self) -> bool:
        """Tell whether a release of this tool pulled the brake here, and has run out or was ended."""
        return self.account.id in self.progress.releases.braked and self.release is None

    @property
    def is_known(self) -> bool:
        """Tell whether the journal knows our policy in this account."""
        return self.ours.policy.arn in self.progress.policies_made

    @property
    def brake_pulled(self) -> bool:
        """Tell whether our policy stands and denies nothing to those who are attached (design.md#policy-documents)."""
        return self._denies_nothing and bool(self.attached)

    @property
    def is_braked(self) -> bool:
        """Tell whether the brake counts as a release, whoever pulled it: no release of ours that is over has.

        While nobody is attached yet, a single version only means that the policy's creation was cut short.
        """
        found = self.ours.policy.found
        unfinished = found is not None and len(found.versions) == 1 and not self.attached
        return self._denies_nothing and not self.release_over and not unfinished

    @property
    def _denies_nothing(self) -> bool:
        # Told by the Deny alone: the Allow half of an earlier version may differ from today's.
        policy = self.ours.policy
        return policy.state is State.OURS and brake_of(policy.found) is Brake.PULLED

    @property
    def is_detached(self) -> bool:
        """Tell whether people that this tool enforced are in our group, and the policy is not attached to it."""
        group = self.ours.group
        if group.state is not State.OURS or self.ours.policy.arn in group.attached:
            return False
        return any(user.id in self.progress.placed for user in self.members)


def account_context(
    observed: Observed,
    rules: Rules,
    library: Library,
    progress: Progress,
    releases: Sequence[ReleaseRecord],
    now: datetime,
    tags: Mapping[str, str],
) -> AccountContext:
    """Work out what stands in an account under our names, beside what the journal says of it."""
    known = groups_of(observed.account.id, progress.groups_made)
    judged = judged_account(observed, rules, library, now, known)
    facts = {one.name: getattr(judged, one.name) for one in fields(judged)}
    return AccountContext(**facts, progress=progress, releases=releases, tags=tags)
