"""The real thing: what each command works with, and what it is told to do."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import sleep
from typing import TYPE_CHECKING

from rollout import __version__
from rollout.domain.diagnosis.facts import EntrySettings
from rollout.domain.gates.readiness import Notified, Rehearsed
from rollout.domain.people.inventory import Effort
from rollout.domain.people.scope import Selection
from rollout.domain.people.users import Unread
from rollout.domain.plan.fingerprints import digest
from rollout.domain.progress.channels import channel_named
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.replay import replay
from rollout.domain.progress.stages import Stage
from rollout.execution.threads import ThreadEngine
from rollout.notify.building import build_channel
from rollout.notify.rehearsed_channel import RehearsingNotifier
from rollout.store.kinds import StoreLock
from rollout.store.rehearsed_journal import RehearsingJournal, RehearsingMarker
from rollout.wiring.aws_access import Aws
from rollout.wiring.decision_rules import documents_for, names_of, rules_for
from rollout.workflows.apply.order import Order, Tools
from rollout.workflows.doctor import DoctorOrder, DoctorTools
from rollout.workflows.freshening import read_with_care
from rollout.workflows.inventory import Looking, Premises, read_levels
from rollout.workflows.plan import PlanOrder, policy_fingerprint
from rollout.workflows.ports import Journal, Notifier, PolicyLevels, Progress, StoredPlan
from rollout.workflows.release import ReleaseOrder, ReleaseTools
from rollout.workflows.repairing import Eyes, RepairTools
from rollout.workflows.rollback import RollbackOrder, RollbackTools, Wanted
from rollout.workflows.verify import FixOrder, VerifyTools

if TYPE_CHECKING:
    from rollout.aws.connect.account_access import AwsAccountAccess
    from rollout.aws.connect.organizations import AwsOrganization


# Letters and digits that are not mistaken for each other.
ID_LETTERS = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("il1o0")))


class Live(Aws):
    """AWS, the store and the outbox, put together for each command."""

    def _within(self) -> ThreadEngine:
        """Changes of one account side by side."""
        return ThreadEngine(self.settings.engine.per_account, self.stop)

    def looking(self, where: Premises, progress: Progress) -> Looking:
        """The ports that an inventory needs."""
        access = self.access(where, writing=False)
        return Looking(
            access, self.engine(), self.clock, progress, partial(_effort_of, self.organization, access)
        )

    def doctor_tools(self, progress: Progress) -> DoctorTools:
        """The ports of a doctor, who only reads."""
        from rollout.aws.connect.run_environment import AwsRunEnvironment

        return DoctorTools(
            self.organization,
            AwsRunEnvironment(self.connection, self._who, self._ours),
            partial(self._door, writing=False),
            self.engine(),
            progress,
        )

    def doctor_order(self, selection: Selection, *, reading_only: bool) -> DoctorOrder:
        """Say what a doctor is to look at."""
        settings, access = self.settings, self.settings.access
        asks_for_id = access.external_id or any(one.external_id for one in access.overrides.values())
        entry_settings = EntrySettings(
            bool(asks_for_id), bool(access.source_identity), bool(access.session_tags)
        )
        return DoctorOrder(
            settings.organization,
            settings.rules.scps,
            settings.domain_scope(),
            selection,
            entry_settings,
            reading_only,
        )

    def looking_with_care(self, where: Premises, progress: Progress) -> Looking:
        """The same, where it matters whether somebody who is enforced has been locked out since."""
        known = replay(self.files.journal("look").records(), where.organization.id)
        read = read_with_care(names_of(self.settings).group, known)
        return replace(self.looking(where, progress), read=read)

    def plan_order(self, where: Premises) -> PlanOrder:
        """Say how a plan is made."""
        settings = self.settings
        return PlanOrder(
            id="".join(self._randomness.choices(ID_LETTERS, k=4)),
            rules=rules_for(settings, where),
            waves=settings.domain_waves(),
            scps=settings.rules.scps,
            settings=digest(settings.decisive()),
            max_exempt_percent=settings.rules.max_exempt_percent,
        )

    def tools(self, stage: Stage, run: str, where: Premises, progress: Progress) -> Tools:
        """The ports of an apply. Only here does a dry run differ: its adapters read for real and note writes."""
        journal: Journal = self.files.journal(run)
        tools = Tools(
            organization=self.organization,
            access=self.access(where, writing=stage is not Stage.DRY_RUN),
            engine=self.engine(),
            journal=journal,
            notifier=self.notifier(run),
            lock=self.files.lock(),
            clock=self.clock,
            progress=progress,
            stopping=self.stop.is_set,
            marker=self.files.marker(where.organization.id),
            within=self._within(),
        )
        return rehearsing(tools) if stage is Stage.DRY_RUN else tools

    def release_tools(
        self, run: str, where: Premises, progress: Progress, *, rehearsal: bool
    ) -> ReleaseTools:
        """The ports of a release: no lock, but a look at who holds it."""
        lock, organization_id = self.files.lock(), where.organization.id
        marker, journal = self.files.marker(organization_id), self.files.journal(run)
        access = self.access(where, writing=not rehearsal)
        tools = ReleaseTools(
            access,
            self.engine(),
            journal,
            marker,
            self.clock,
            progress,
            partial(_running, lock, organization_id),
            sleep,
            self._within(),
        )
        if not rehearsal:
            return tools
        from rollout.aws.write.rehearsed_access import RehearsedAccess

        return replace(
            tools,
            access=RehearsedAccess(access),
            journal=RehearsingJournal(journal),
            marker=RehearsingMarker(marker),
        )

    def release_order(
        self,
        run: str,
        where: Premises,
        release_scope: ReleaseScope,
        *,
        until: datetime | None,
        reason: str,
        rehearsal: bool,
    ) -> ReleaseOrder:
        """Say what a release is to do."""
        organization = where.organization
        return ReleaseOrder(
            run,
            organization.id,
            organization.partition,
            names_of(self.settings),
            documents_for(self.settings, organization.partition).brake,
            release_scope,
            until,
            reason,
            where.caller.arn,
            __version__,
            rehearsal,
        )

    def rollback_order(self, run: str, where: Premises, wanted: Wanted, *, rehearsal: bool) -> RollbackOrder:
        """Say what a rollback is to do."""
        return RollbackOrder(run, where.organization.id, wanted, where.caller.arn, __version__, rehearsal)

    def rollback_tools(
        self, run: str, where: Premises, progress: Progress, *, rehearsal: bool
    ) -> RollbackTools:
        """The ports of a rollback."""
        access, journal = self.access(where, writing=not rehearsal), self.files.journal(run)
        tools = RollbackTools(
            access,
            self.engine(),
            journal,
            self.files.lock(),
            self.clock,
            progress,
            self.stop.is_set,
            self._within(),
        )
        if not rehearsal:
            return tools
        from rollout.aws.write.rehearsed_access import RehearsedAccess

        return replace(tools, access=RehearsedAccess(access), journal=RehearsingJournal(journal))

    def levels(self, where: Premises) -> PolicyLevels | Unread:
        """The service control policies, as `rules.scps` says."""
        return read_levels(self.organization, where.accounts, self.settings.rules.scps)

    def eyes(self, run: str, where: Premises, levels: PolicyLevels | Unread) -> Eyes:
        """What accounts are looked at with, when releases end and when drift is put right."""
        tags = {"rollout:tool": "rollout", "rollout:version": __version__}
        by_account = None if isinstance(levels, Unread) else levels.by_account
        return Eyes(run, where.organization.id, rules_for(self.settings, where), by_account, tags)

    def repair_tools(self, run: str, where: Premises, progress: Progress, *, rehearsal: bool) -> RepairTools:
        """The ports that putting right needs."""
        access, journal = self.access(where, writing=not rehearsal), self.files.journal(run)
        marker = self.files.marker(where.organization.id)
        tools = RepairTools(
            access,
            self.engine(),
            journal,
            self.files.lock(),
            marker,
            self.clock,
            progress,
            self.stop.is_set,
        )
        if not rehearsal:
            return tools
        from rollout.aws.write.rehearsed_access import RehearsedAccess

        return replace(
            tools,
            access=RehearsedAccess(access),
            journal=RehearsingJournal(journal),
            marker=RehearsingMarker(marker),
        )

    def verify_tools(self, run: str, where: Premises, progress: Progress) -> VerifyTools:
        """The ports that a look needs, besides the inventory."""
        marker = self.files.marker(where.organization.id)
        return VerifyTools(self.files.journal(run), marker, self.clock, progress)

    def fix_order(self, plan: StoredPlan, where: Premises, *, memberships: bool) -> FixOrder:
        """Say what `verify --fix` may do."""
        policy = policy_fingerprint(rules_for(self.settings, where))
        settings, caller = digest(self.settings.decisive()), where.caller.arn
        return FixOrder(plan, policy, settings, memberships, caller, __version__)

    def notifier(self, run: str) -> Notifier:
        """The channel that `notify.channel` names."""
        notify = self.settings.notify
        channel = channel_named(notify.channel)
        return build_channel(channel, notify.of_channel, notify.sender, self.clock.now, run)

    def order(
        self,
        stage: Stage,
        run: str,
        plan: StoredPlan,
        where: Premises,
        *,
        wave: str | None,
        selection: Selection,
        overrides: Mapping[str, str],
    ) -> Order:
        """Say what an apply is to do."""
        settings = self.settings
        rules = rules_for(settings, where)
        rehearsal = stage is Stage.DRY_RUN
        told = Notified(settings.gates.lead_time, settings.gates.notice_for_unaffected)
        return Order(
            run=run,
            stage=stage,
            steps=(Stage.NOTIFY, Stage.ENFORCE) if rehearsal else (stage,),
            plan=plan,
            rules=rules,
            waves=settings.domain_waves(),
            scope=settings.domain_scope(),
            readiness=Rehearsed() if rehearsal else told,
            settings=digest(settings.decisive()),
            policy=policy_fingerprint(rules),
            scps=settings.rules.scps,
            version=__version__,
            plan_max_age=settings.rules.plan_max_age,
            gates=settings.domain_gates(),
            gated=not rehearsal,
            wave=wave,
            selection=selection,
            overrides=overrides,
            remind_at=settings.notify.remind_at,
        )


def _effort_of(organization: AwsOrganization, access: AwsAccountAccess, account_id: str) -> Effort:
    return access.effort(account_id) if account_id else organization.tally.effort


def _running(lock: StoreLock, organization_id: str) -> str:
    holder = lock.holder(organization_id)
    return holder.sentence if holder else ""


def rehearsing(tools: Tools) -> Tools:
    """Trade the adapters that write for ones that only note."""
    from rollout.aws.write.rehearsed_access import RehearsedAccess

    return replace(
        tools,
        access=RehearsedAccess(tools.access),
        journal=RehearsingJournal(tools.journal),
        notifier=RehearsingNotifier(),
    )


def stop_on(live: Live, say: Callable[[], None]) -> Callable[[int, object], None]:
    """Make a signal handler that asks a run to end, and says so: the changes in hand are finished first."""

    def handler(_signal: int, _frame: object) -> None:
        if not live.stop.is_set():
            say()
        live.stop.set()

    return handler
