"""What is needed to look at all accounts: in this process, and in others that share the work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from rollout.awsapi.side_by_side import begun
from rollout.domain.people.observations import Effort
from rollout.domain.people.scope import Selection
from rollout.domain.people.users import Unread
from rollout.domain.policy.made import Made
from rollout.domain.progress.projection import Progress
from rollout.execution.measured import MeasuredEngine
from rollout.settings import Settings
from rollout.wiring.aws_access import Aws
from rollout.wiring.decision_rules import names_of
from rollout.workflows.inventory import Look, Looking, Premises, read_account, read_levels, read_with_care
from rollout.workflows.ports import PolicyLevels, ProgressDisplay

if TYPE_CHECKING:
    from rollout.aws.connect.account_access import AwsAccountAccess
    from rollout.aws.connect.organizations import AwsOrganization


class LiveLooks(Aws):
    """Looks at accounts."""

    def looking(
        self, where: Premises, progress: ProgressDisplay, made: Callable[[str], Made] | None = None
    ) -> Looking:
        """The ports that an inventory needs. `made`: what this tool made in an account; else the journal tells."""
        access, names = self.access(where, writing=False), names_of(self.settings)
        made_in = made or self._made_in(where)
        return Looking(
            access,
            self.engine(),
            self.clock,
            progress,
            partial(_effort_of, self.organization, access),
            lambda entered, account_id: read_account(entered, names, lambda: made_in(account_id)),
            self.about_evidence,
            lambda: self._retries.awaited,
        )

    def look(self, where: Premises, progress: ProgressDisplay, chosen: Selection = Selection()) -> Look:  # noqa: B008 - a frozen value without contents
        """A look at all accounts that are in scope and chosen."""
        looking = self.looking(where, progress, self._made_in(where))
        if self._can_be_opened_again:
            engine = MeasuredEngine(self.settings.engine.max_accounts, self.stop)
            looking = replace(looking, engine=engine, anywhere=partial(self.anywhere, where))
        return Look(where, begun(partial(self.levels, where)), looking, self.settings.domain_scope(), chosen)

    @property
    def _can_be_opened_again(self) -> bool:
        """Whether another process can open AWS as this one did, and nothing that is read of one account is for all."""
        evidence = self.settings.trail_regions() is not None or self.settings.evidence.file is not None
        return self._clock is None and not evidence and not self.connection.asks_for_codes

    def anywhere(self, where: Premises) -> OpenedAgain:
        """What another process needs to look at accounts as this one does."""
        made_in = self._made_in(where)
        new = frozenset(account.id for account in where.accounts if self.organization.is_new(account))
        made = {account.id: made_in(account.id) for account in where.accounts}
        return OpenedAgain(
            self.settings, self._profile, self._endpoint_ok, replace(where, accounts=()), new, made
        )

    def _made_in(self, where: Premises) -> Callable[[str], Made]:
        """Return what the journal says was made in an account, read when it is first asked for."""
        known = self._journalled(where)
        return lambda account_id: known().made_in(account_id)

    def _journalled(self, where: Premises) -> Callable[[], Progress]:
        """Return what the journal says, read when it is first asked for."""
        reading = threading.Lock()

        @cache
        def read() -> Progress:
            return self.files.journal("look").progress(where.organization.id)

        def progress() -> Progress:
            with reading:  # several threads would each read it
                return read()

        return progress

    def looking_with_care(self, where: Premises, progress: ProgressDisplay, known: Progress) -> Looking:
        """As `looking`, with live reads of users whom the journal knows as enforced, and who could be locked out."""
        read = read_with_care(names_of(self.settings), self.settings.gates.lead_time, known)
        return replace(self.looking(where, progress), read=read)

    def levels(self, where: Premises) -> PolicyLevels | Unread:
        """The service control policies, as `rules.scps` says."""
        return read_levels(self.organization, where.accounts, self.settings.rules.scps)


def _effort_of(organization: AwsOrganization, access: AwsAccountAccess, account_id: str) -> Effort:
    return access.effort(account_id) if account_id else organization.tally.effort


@dataclass(frozen=True, slots=True)
class OpenedAgain:
    """Opens AWS in another process as this one did, by the same settings, environment and profile.

    `new` are the accounts that joined within the last day, and `made` is what the journal says was made, by account.
    """

    settings: Settings
    profile: str | None
    endpoint_ok: bool
    where: Premises
    new: frozenset[str]
    made: Mapping[str, Made]

    def __call__(self) -> Looking:
        """Open it. Raises NoCredentials."""
        return self.looking_of(self.live())

    def live(self, share: float = 1.0) -> LiveLooks:
        """Open the session. `share`: as in `Aws`. Raises NoCredentials."""
        return LiveLooks(self.settings, self.profile, endpoint_ok=self.endpoint_ok, share=share)

    def looking_of(self, live: LiveLooks) -> Looking:
        """The ports, by a session that was opened."""
        live.organization.remember_new(self.new)
        return live.looking(self.where, Silence(), lambda account_id: self.made.get(account_id) or Made())


class Silence:
    """Implements `ProgressDisplay` without any output."""

    def say(self, text: str) -> None:
        """Print nothing."""

    def begin(self, what: str, total: int) -> None:
        """Do nothing."""

    def advance(self, detail: str = "", by: int = 1) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""
