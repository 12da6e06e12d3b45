"""AWS by the caller's credentials: clock, organization, the way into accounts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Flag, auto
from functools import cached_property
from random import Random, SystemRandom
from typing import TYPE_CHECKING

from rollout.domain.people.observations import Finding
from rollout.domain.people.organization import Caller
from rollout.errors import Interrupted, RolloutError
from rollout.execution.threads import ThreadEngine, wait_aside
from rollout.settings import Settings
from rollout.settings.models import AccessOverride
from rollout.store.folder.segments import new_run_id
from rollout.store.formats.seals import refuse
from rollout.store.snapshots import Afterwards
from rollout.wiring.decision_rules import names_of
from rollout.wiring.stores import Files
from rollout.workflows.inventory import Premises
from rollout.workflows.ports import Clock

if TYPE_CHECKING:
    from rollout.aws.connect.account_access import AwsAccountAccess, RoleChoice
    from rollout.aws.connect.identity import WhoAmI
    from rollout.aws.connect.organizations import AwsOrganization
    from rollout.aws.connect.trail_access import KeyEvidence
    from rollout.aws.read.imported_keys import ImportedKeys
    from rollout.awsapi.retries import Retries
    from rollout.domain.people.addresses import ListedPerson


class Dispensable(Flag):
    """What a command that lets people out can do without."""

    STORE = auto()
    ORGANIZATION = auto()


class Aws:
    """The real thing: AWS by the caller's credentials, the store, the outbox."""

    def __init__(  # noqa: PLR0913 - what a run may want otherwise
        self,
        settings: Settings,
        profile: str | None = None,
        *,
        tell: Callable[[RolloutError], None] | None = None,
        endpoint_ok: bool = False,
        dispensable: Dispensable = Dispensable(0),  # noqa: B008 - a frozen value
        clock: Clock | None = None,
        randomness: Random | None = None,
        share: float = 1.0,
    ) -> None:
        """Open the Session; nothing is asked yet. Raises NoCredentials.

        `tell` hears of what in the store cannot be trusted; without it, that is refused.
        `dispensable`: people are to be let out, who do not wait for these if they do not answer.
        `clock` and `randomness` are given where a run has to be repeatable to the byte.
        `share`: the part of the caller's own budgets that this process may use.
        """
        from rollout.awsapi.sessions import Connection

        self.settings = settings
        self._profile, self._endpoint_ok, self._share = profile, endpoint_ok, share
        self._clock, self._randomness = clock, randomness or SystemRandom()
        several = settings.engine.max_accounts * settings.engine.per_account
        self.connection = Connection(profile=profile, pool=several + 8, endpoint_ok=endpoint_ok)
        self.files = Files(
            settings,
            connection=self.connection,
            tell=tell or refuse,
            account_id=lambda: self._who.caller().account_id,
            brief=Dispensable.STORE in dispensable,
        )
        self._brief = Dispensable.ORGANIZATION in dispensable
        self.stop = threading.Event()
        self._people: dict[str, Sequence[ListedPerson]] = {}

    def put_off(self, afterwards: Afterwards) -> None:
        """Leave to `afterwards` what can wait until the command has done its work; called before anything is read."""
        self.files = replace(self.files, afterwards=afterwards)

    @cached_property
    def clock(self) -> Clock:
        """Decision time: AWS's own."""
        from rollout.aws.connect.aws_clock import AwsClock

        return self._clock or AwsClock(self._who)

    @cached_property
    def _retries(self) -> Retries:
        """Shared by all calls: remembers what the endpoint does not support."""
        from rollout.awsapi.retries import Retries

        return Retries(aside=wait_aside, share=self._share)

    @cached_property
    def _who(self) -> WhoAmI:
        from rollout.aws.connect.identity import WhoAmI

        return WhoAmI(self.connection, self._retries)

    @cached_property
    def organization(self) -> AwsOrganization:
        """The organization as the caller is allowed to see it."""
        from rollout.aws.connect.organizations import AwsOrganization
        from rollout.awsapi.retries import brief_retries

        tagged = self.settings.wants_account_tags()
        retries = brief_retries() if self._brief else self._retries
        return AwsOrganization(
            self.connection, with_tags=tagged, any_state=self._brief, retries=retries, who=self._who
        )

    def access(self, where: Premises, *, writing: bool) -> AwsAccountAccess:
        """Access to accounts, for reading or for writing."""
        return self._access_of(where.caller, writing=writing, organization_id=where.organization.id)

    def people_in(self, where: Premises) -> Callable[[str], Sequence[ListedPerson]]:
        """Return a function that reads the people of the Identity Center in a Region, once in a command."""
        from rollout.aws.connect.identity_center import IdentityCenter

        def read(region: str) -> Sequence[ListedPerson]:
            if region not in self._people:
                owner = where.organization.management_account_id
                center = IdentityCenter(self.connection, self._retries, region, owner)
                self._people[region] = tuple(center.people())
            return self._people[region]

        return read

    def _access_of(self, caller: Caller, *, writing: bool, organization_id: str = "") -> AwsAccountAccess:
        from rollout.aws.connect.account_access import AccountEntrySettings, AwsAccountAccess

        access = self.settings.access
        overrides, ou_overrides = (
            {key: _role_choice(override) for key, override in some.items()}
            for some in (access.overrides, access.ou_overrides)
        )
        entry_settings = AccountEntrySettings(
            access.roles,
            access.own_account_role,
            access.external_id,
            overrides,
            ou_overrides,
            access.hop_role,
            access.hop_external_id or access.external_id,
            access.session_name,
            access.source_identity,
            access.session_tags,
            access.reading_roles,
        )
        return AwsAccountAccess(
            self.connection,
            caller,
            self.clock,
            names_of(self.settings),
            entry_settings,
            writing=writing,
            retries=self._retries,
            is_new=self.organization.is_new,
            organization_id=organization_id,
            evidence=None if self._brief else self._key_evidence(organization_id),
        )

    def _key_evidence(self, organization_id: str) -> KeyEvidence | None:
        """What tells of the calls of access keys, as `evidence` says; None if nothing does. Raises BadEvidence."""
        from rollout.aws.connect.trail_access import KeyEvidence

        regions = self.settings.trail_regions()
        if regions is None and self.imported_keys is None:
            return None
        kept = self.files.activity(organization_id) if organization_id and regions is not None else None
        return KeyEvidence(regions, kept, self.imported_keys, self.stop.is_set)

    def about_evidence(self) -> tuple[Finding, ...]:
        """Say what reading all accounts has shown of the evidence. Raises Interrupted: without all of it, no plan."""
        if self.settings.trail_regions() is not None and self.stop.is_set():
            raise Interrupted("stopped as requested while CloudTrail was asked; nothing was written")
        return self.imported_keys.findings() if self.imported_keys else ()

    @cached_property
    def imported_keys(self) -> ImportedKeys | None:
        """What the file of `evidence.import` tells; None without one. Raises BadEvidence."""
        path = self.settings.evidence.file
        if path is None:
            return None
        from rollout.aws.read.imported_keys import ImportedKeys
        from rollout.store.imported_activity import imported_activity

        return ImportedKeys(path.name, imported_activity(path))

    def new_run(self) -> str:
        """Return the id of a new run; ids sort by time."""
        return new_run_id(self.clock.now(), self._randomness)

    def engine(self) -> ThreadEngine:
        """Return the engine that runs accounts in parallel."""
        return ThreadEngine(self.settings.engine.max_accounts, self.stop)


def _role_choice(override: AccessOverride) -> RoleChoice:
    from rollout.aws.connect.account_access import NO_EXTERNAL_ID, RoleChoice

    says_none = override.external_id is None and "external_id" in override.model_fields_set
    return RoleChoice(override.roles, NO_EXTERNAL_ID if says_none else override.external_id)
