"""Finds out where `rollout release` is and whom it may reach, and waits for nothing that this does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.startup import end_in_good_order, go_live
from rollout.cli.terminal.console import warn
from rollout.domain.people.organization import Account, account_of
from rollout.domain.progress.projection import Progress
from rollout.errors import EmptySelection, RolloutError, WhomUnknown

if TYPE_CHECKING:
    from rollout.domain.people.users import UserRef
    from rollout.settings import Settings
    from rollout.wiring import Live
    from rollout.workflows.inventory import Premises
    from rollout.workflows.release import ReleaseSelection


@dataclass(frozen=True, slots=True)
class WhomNamed:
    """Whom the command line names, by exactly one of these; nobody: everybody."""

    users: tuple[str, ...] = ()
    wave: str = ""
    accounts: tuple[str, ...] = ()

    @property
    def by_ids(self) -> frozenset[str]:
        """The accounts in the selectors, if each selector has one."""
        from rollout.workflows.release_selection import is_account_id

        ids = [*self.accounts, *map(account_of, self.users)]
        return frozenset(ids) if all(map(is_account_id, ids)) else frozenset()

    @property
    def asks_for_a_list(self) -> bool:
        """Whether it takes a list of accounts to know whom this means, or to show their names."""
        return not self.users and not self.by_ids


@dataclass(frozen=True, slots=True)
class BrakeGround:
    """What a release goes by: where it is, and what the journal says.

    `unread`: it was not read yet. `unreadable`: why it cannot be.
    """

    live: Live
    named: WhomNamed
    where: Premises
    known: Progress
    unread: bool = False
    unreadable: RolloutError | None = None

    def choose(self, known: Progress) -> ReleaseSelection:
        """Find out whom the command line means. Raises EmptySelection, and WhomUnknown where nothing can tell."""
        try:
            return self._choose(known)
        except EmptySelection as empty:
            if self.unreadable is None or self.named.by_ids:
                raise
            raise WhomUnknown(
                f"the store has to tell who that is, and cannot be read: {self.unreadable}",
                cure="release --account ID, --user ARN or --all, which do not need it",
            ) from empty

    def _choose(self, known: Progress) -> ReleaseSelection:
        from rollout.workflows import release_selection

        named, where = self.named, self.where
        if named.users:
            access = self.live.access(where, writing=False)
            return release_selection.users_named(named.users, known, where.accounts, access)
        if named.wave:
            planned = partial(self._planned, named.wave)
            return release_selection.wave_named(named.wave, known, where.accounts, planned)
        if named.accounts:
            return release_selection.accounts_named(named.accounts, where.accounts)
        return release_selection.everybody(where.accounts)

    def _planned(self, wave: str) -> list[UserRef]:
        """List the users whom the newest plan puts in a wave; none where there is no plan that can be read."""
        try:
            plan = self.live.files.plans.load(None, self.where.organization.id, whole=False)
            return [entry.user for part in plan.accounts() for entry in part.entries if entry.wave == wave]
        except RolloutError as problem:
            warn(f"the plan cannot tell who else is in wave {wave}: {problem}")
            return []

    def journalled(self) -> Progress:
        """Read what the journal says now; what it said before, where it cannot be read any more."""
        try:
            return self.live.files.journal("release").progress(self.where.organization.id)
        except RolloutError as problem:
            if self.unread:
                warn(f"the journal cannot be read; releasing accounts does not need it: {problem}")
            return self.known

    def run_under_way(self) -> str:
        """Name the run that holds the lock; a store that does not answer keeps nobody in."""
        try:
            return self.live.run_under_way(self.where)()
        except RolloutError as problem:
            warn(f"cannot tell whether a run is active: {problem}")
            return ""


def ground_of_an_end(settings: Settings, profile: str | None, named: WhomNamed) -> BrakeGround:
    """Open AWS and the journal for people to come under the policy again: everything has to be whole."""
    live, where = go_live(settings, profile)
    return BrakeGround(live, named, where, live.files.journal("release").progress(where.organization.id))


def go_live_to_roll_back(
    settings: Settings, profile: str | None, tell: Callable[[RolloutError], None]
) -> tuple[Live, Premises]:
    """Open AWS as `go_live` does; where AWS Organizations does not answer, the journal names the accounts."""
    from rollout.wiring import Dispensable, Live
    from rollout.workflows.release_selection import premises_for_the_brake, unlisted

    live = Live(settings, profile, tell=tell, endpoint_ok=endpoint_ok(), dispensable=Dispensable.ORGANIZATION)
    organization_id = settings.organization or ""

    def tried() -> list[Account]:
        known = live.files.journal("rollback").progress(organization_id) if organization_id else Progress()
        return [unlisted(account_id) for account_id in known.accounts_tried]

    where = premises_for_the_brake(live.organization, settings.organization, tried, organization_id, warn)
    end_in_good_order(live)
    live.take_over(where, warn)
    return live, where


def ground_of_a_release(live: Live, named: WhomNamed, *, recorded_first: bool) -> BrakeGround:
    """Open AWS, and what else answers: neither the journal nor AWS Organizations has to.

    Where account ids say everything, neither is asked before the first write, unless it has to be `recorded_first`.
    """
    from rollout.workflows.release_selection import (
        last_organization,
        premises_for_the_brake,
        premises_without_asking,
        unlisted,
    )

    end_in_good_order(live)
    port, settings = live.organization, live.settings
    organization_id = settings.organization or ""
    unread = bool(named.accounts and named.by_ids and organization_id) and not recorded_first
    known, unreadable = Progress(), None
    if not unread:
        try:
            journal = live.files.journal("release")
            organization_id = organization_id or last_organization(journal.records())
            known = journal.progress(organization_id)
        except RolloutError as problem:
            unreadable = problem
            warn(f"the journal cannot be read; releasing accounts does not need it: {problem}")
    # Where roles go by OU, an account that nobody has listed could not be entered.
    if named.asks_for_a_list or not organization_id or settings.access.ou_overrides:
        where = premises_for_the_brake(
            port, settings.organization, partial(_accounts_known, live, known, named), organization_id, warn
        )
        for doubt in port.doubtful:
            warn(f"{doubt}; trying it all the same")
    else:
        where = premises_without_asking(port, map(unlisted, named.by_ids), organization_id)
    if where.organization.id != organization_id:
        with suppress(RolloutError):
            known = live.files.journal("release").progress(where.organization.id)
    return BrakeGround(live, named, where, known, unread, unreadable)


def _accounts_known(live: Live, known: Progress, named: WhomNamed) -> list[Account]:
    """Find the accounts to go by where AWS Organizations does not answer: of the journal and the newest plan."""
    from rollout.workflows.release_selection import unlisted

    found: dict[str, Account] = {one: unlisted(one) for one in {*known.accounts_tried, *named.by_ids}}
    try:
        outlines = live.files.plans.load(None, live.settings.organization, whole=False).outlines()
        found |= {one.account_id: unlisted(one.account_id, one.name, one.ou) for one in outlines}
    except RolloutError as problem:
        warn(f"the plan cannot tell of more accounts: {problem}")
    return _only(named.by_ids, found.values())


def _only(ids: frozenset[str], accounts: Iterable[Account]) -> list[Account]:
    return [account for account in accounts if not ids or account.id in ids]
