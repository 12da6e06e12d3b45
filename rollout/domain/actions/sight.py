"""One account as it was read, judged by today's rules, beside what the journal says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.actions.letting_out import account_release, user_release
from rollout.domain.actions.placing import Site, is_placed
from rollout.domain.people.inventory import AccountFacts, Observed
from rollout.domain.people.users import User
from rollout.domain.plan.planning import groups_of
from rollout.domain.policy.standing import State
from rollout.domain.progress.releases import ReleaseRecord
from rollout.domain.progress.replay import Progress
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.surroundings import Surroundings, surroundings
from rollout.domain.verdicts.verdict import Kind, Verdict


@dataclass(frozen=True, slots=True)
class Sight:
    """What a command that looks again knows of one account. `words` are the releases and their ends."""

    observed: Observed
    around: Surroundings
    site: Site
    progress: Progress
    words: Sequence[ReleaseRecord]
    rules: Rules
    now: datetime
    _verdicts: dict[str, Verdict] = field(default_factory=dict)

    @property
    def account_id(self) -> str:
        """Which account."""
        return self.observed.account.id

    @property
    def facts(self) -> AccountFacts:
        """What was read."""
        return self.observed.facts

    def verdict(self, user: User) -> Verdict:
        """Judge a user of this account, once."""
        known = self._verdicts.get(user.id)
        if known is None:
            known = self._verdicts[user.id] = judge(user, self.around, self.rules, self.now)
        return known

    def judged_anew(self, user: User) -> Verdict:
        """Judge a user whose credentials were asked a moment ago, and go by that from now on."""
        self._verdicts.pop(user.id, None)
        return self.verdict(user)

    def is_placed(self, user: User) -> bool:
        """Tell whether the user is under our policy, braked or not."""
        return is_placed(user, self.site)

    def wave_of(self, user: User) -> str:
        """Name the wave in which the user was enforced; empty where the journal knows of none."""
        returning = self.progress.releases.returning.get(user.id)
        placed = self.progress.placed.get(user.id)
        return returning.wave if returning else placed.wave if placed else ""

    def is_let_out(self, user: User) -> bool:
        """Tell whether a release that still lasts lets the user out."""
        wave = self.wave_of(user)
        return user_release(self.words, self.account_id, user.id, wave, self.now) is not None

    def is_fit(self, user: User) -> bool:
        """Tell whether the policy may reach this user: enforcing is what today's rules say, or others do it already."""
        return self.verdict(user).kind in (Kind.ENFORCE, Kind.COVERED)

    @property
    def members(self) -> tuple[User, ...]:
        """Who is in our group."""
        standing = self.site.standing
        if standing.group is not State.OURS:
            return ()
        return tuple(user for user in self.facts.users if standing.group_name in user.groups)

    @property
    def attached(self) -> tuple[User, ...]:
        """Everybody whom a new default version would reach."""
        return tuple(user for user in self.facts.users if user.name in self.site.attached)


def see(
    observed: Observed,
    rules: Rules,
    library: Library,
    progress: Progress,
    words: Sequence[ReleaseRecord],
    now: datetime,
    tags: Mapping[str, str],
) -> Sight:
    """Work out what stands in an account under our names."""
    account_id, facts = observed.account.id, observed.facts
    around = surroundings(observed, rules, library, now, groups_of(account_id, progress.groups_made))
    standing = around.standing
    attached = tuple(
        user.name
        for user in facts.users
        if standing.policy.arn in user.attached
        or (rules.names.group in user.groups and standing.policy.arn in standing.group_has)
    )
    over = account_id in progress.releases.braked and account_release(words, account_id, now) is None
    quota = facts.quotas.versions_per_policy
    site = Site(account_id, standing, rules.names, rules.documents, tags, quota, attached, over)
    return Sight(observed, around, site, progress, words, rules, now)
