"""Combines what is known of an account during a run: its facts, verdicts and journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from rollout.domain.gates.readiness import Notified, Recipient
from rollout.domain.people.observations import Observed
from rollout.domain.people.users import User
from rollout.domain.policy.brake import Brake, brake_of
from rollout.domain.policy.changes import Skipped
from rollout.domain.policy.our_resources import State
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Released
from rollout.domain.progress.release_state import account_release, user_release
from rollout.domain.progress.releases import ReleaseRecord
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.judged_account import JudgedAccount, judged_account
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import DecisionRules
from rollout.domain.verdicts.verdict import Kind, Verdict


@dataclass(frozen=True, slots=True)
class AccountContext(JudgedAccount):
    """One account as it was read at `now`, with what the journal records about it.

    `releases` are the releases and their ends, oldest first. `tags` are set on policies that are created here.
    """

    progress: Progress
    releases: Sequence[ReleaseRecord]
    tags: Mapping[str, str] = field(default_factory=dict)
    _verdicts: dict[str, tuple[User, Verdict]] = field(default_factory=dict, compare=False)

    # --- Users ---

    def verdict(self, user: User) -> Verdict:
        """Return the verdict on a user of this account; it is decided again only for newer facts."""
        known = self._verdicts.get(user.id)
        if known is None or known[0] is not user:
            known = self._verdicts[user.id] = user, judge(user, self)
        return known[1]

    def with_users(self, users: Mapping[str, User]) -> AccountContext:
        """Replace the facts about some users, given by UserId."""
        known = tuple(users.get(user.id, user) for user in self.facts.users)
        return replace(self, facts=replace(self.facts, users=known))

    def is_under_policy(self, user: User) -> bool:
        """Tell whether our policy is attached to the user, braked or not."""
        policy, group = self.ours.policy, self.ours.group
        if policy.state is not State.OURS:
            return False
        in_group = group.name in user.groups and group.state is State.OURS and policy.arn in group.attached
        return in_group or policy.arn in user.attached

    def is_in_force(self, user: User) -> bool:
        """Tell whether the policy takes effect on the user: attached, neither braked nor edited to deny too little.

        So does one of somebody else's that an earlier version attached in its place, as long as it denies as much.
        """
        if self.is_under_adopted(user):
            return self.is_denied(user)
        denies = self.ours.policy.current or bool(self.verdict(user).enforced_by_us)
        return denies and self.is_under_policy(user)

    def is_under_adopted(self, user: User) -> bool:
        """Tell whether a policy of somebody else's applies to the user that an earlier version attached."""
        adopted, group = self.ours.adopted, self.ours.group
        on_group = group.name in user.groups and not adopted.isdisjoint(group.attached)
        return on_group or not adopted.isdisjoint(user.attached)

    def is_denied(self, user: User) -> bool:
        """Tell by evaluating all policies in force whether everything is denied to this user without MFA."""
        return bool(self.examiner.examine(user, self.rights_of(user)).covered_by)

    def may_enforce(self, user: User) -> bool:
        """Tell whether the user may be under the policy: the verdict is `enforce`, or others enforce MFA already."""
        return self.verdict(user).kind in (Kind.ENFORCE, Kind.COVERED)

    def recipient(self, user: User) -> Recipient:
        """Describe a user as a notice must have found them."""
        verdict = self.verdict(user)
        return self._notified.recipient(user, verdict.impact, verdict.address, self.progress, self.now)

    def keeps_out(self, user: User) -> Skipped | None:
        """Say why a user who was under the policy before may not be put back, by their notice; None if they may."""
        return self._notified.keeps_out(self.recipient(user), self.progress, self.now)

    @property
    def _notified(self) -> Notified:
        return Notified.by(self.rules)

    def wave_of(self, user: User) -> str:
        """Name the wave in which the user was enforced; empty if the journal records none."""
        returning = self.progress.releases.to_return.get(user.id)
        placed = self.progress.placed.get(user.id)
        return returning.wave if returning else placed.wave if placed else ""

    def release_of(self, user: User) -> Released | None:
        """Give the release that takes the user out now, alone or with the account; None if there is none."""
        return user_release(self.releases, self.account.id, user.id, self.wave_of(user), self.now)

    def is_released(self, user: User) -> bool:
        """Tell whether a current release takes the user out."""
        return self.release_of(user) is not None

    def disregarded_release(self, user: User) -> Released | None:
        """Give the release that takes the user out, if the user is enforced nevertheless.

        None where a release takes out the whole account: its brake does that, see `brake_let_go`.
        """
        if self._denies_nothing or self.release is not None or not self.is_under_policy(user):
            return None
        return self.release_of(user)

    @property
    def brake_let_go(self) -> bool:
        """Tell whether a release takes out the whole account, and the policy denies something to users nevertheless."""
        return self.release is not None and bool(self.released_yet_enforced)

    @property
    def released_yet_enforced(self) -> tuple[User, ...]:
        """The users who are enforced in spite of a release of their own, or of the account."""
        if self._denies_nothing:
            return ()
        under = (user for user in self.facts.users if self.is_under_policy(user))
        return tuple(user for user in under if self.is_released(user))

    def was_released(self, user: User) -> bool:
        """Tell whether a release took the user out and is to put the user back when it ends."""
        return user.id in self.progress.releases.to_return

    @property
    def taken_out(self) -> tuple[User, ...]:
        """The users who were put under our policy and no longer are, by a release or by hand."""
        group, progress = self.ours.group.name, self.progress
        arns = {self.ours.policy.arn, *self.ours.adopted}
        return tuple(
            user
            for user in self.facts.users
            if (user.id in progress.placed or user.id in progress.releases.to_return)
            and not (group in user.groups or arns & {*user.attached} or self.is_under_policy(user))
        )

    @property
    def members(self) -> tuple[User, ...]:
        """The users in our group."""
        group = self.ours.group
        if group.state is not State.OURS:
            return ()
        return tuple(user for user in self.facts.users if group.name in user.groups)

    @property
    def attached(self) -> tuple[User, ...]:
        """The users to whom a new default version of our policy applies, by whatever group."""
        arn, groups = self.ours.policy.arn, self._groups_with_policy
        return tuple(
            user for user in self.facts.users if arn in user.attached or groups.intersection(user.groups)
        )

    def is_attached_elsewhere(self, user: User) -> bool:
        """Tell whether our policy applies to the user by a group that is not ours."""
        return bool(self._groups_with_policy.intersection(user.groups) - {self.ours.group.name})

    @property
    def _groups_with_policy(self) -> frozenset[str]:
        arn = self.ours.policy.arn
        return frozenset(group.name for group in self.facts.groups.values() if arn in group.attached)

    # --- The account ---

    @property
    def release(self) -> Released | None:
        """The release that takes the whole account out now."""
        return account_release(self.releases, self.account.id, self.now)

    @property
    def release_over(self) -> bool:
        """Tell whether a release pulled the brake here, and has expired or was ended."""
        return self.account.id in self.progress.releases.braked and self.release is None

    @property
    def is_known(self) -> bool:
        """Tell whether the journal records our policy in this account, there still or deleted since."""
        policy = self.ours.policy
        return policy.state is State.OURS or policy.arn in self.made.policies

    @property
    def brake_pulled(self) -> bool:
        """Tell whether our policy is attached to users, but denies nothing (design.md#policy-documents)."""
        return self._denies_nothing and bool(self.attached)

    @property
    def is_braked(self) -> bool:
        """Tell whether the brake counts as a release, whoever pulled it, unless a release that has ended did.

        A single version on a policy that is attached to nobody means that its creation was interrupted.
        """
        found = self.ours.policy.found
        unfinished = found is not None and len(found.versions) == 1 and not self.attached
        return self._denies_nothing and not self.release_over and not unfinished

    @property
    def _denies_nothing(self) -> bool:
        # Only the absence of a Deny counts: the Allow half of an earlier version may differ from today's.
        policy = self.ours.policy
        return policy.state is State.OURS and brake_of(policy.found) is Brake.PULLED

    @property
    def is_detached(self) -> bool:
        """Tell whether users whom this tool enforced are in our group, but the policy is not attached to it."""
        group = self.ours.group
        if group.state is not State.OURS or self.ours.policy.arn in group.attached:
            return False
        return any(user.id in self.progress.placed for user in self.members)


def account_context(
    observed: Observed,
    rules: DecisionRules,
    library: Library,
    progress: Progress,
    releases: Sequence[ReleaseRecord],
    now: datetime,
    tags: Mapping[str, str],
) -> AccountContext:
    """Combine an account as it was read with what the journal records about it."""
    judged = judged_account(observed, rules, library, now, progress.made_in(observed.account.id))
    facts = {one.name: getattr(judged, one.name) for one in fields(judged)}
    return AccountContext(**facts, progress=progress, releases=releases, tags=tags)
