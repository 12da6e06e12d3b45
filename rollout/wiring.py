"""Chooses which adapter fills each port: live, rehearsal, or offline. The only module that knows them all."""

from __future__ import annotations

import getpass
import os
import socket
import string
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from random import Random, SystemRandom
from time import sleep
from typing import TYPE_CHECKING

from rollout import __version__
from rollout.adapters.aws import offline_clock
from rollout.adapters.documents import seed
from rollout.adapters.execution.threads import ThreadEngine
from rollout.adapters.notify.outbox import Outbox
from rollout.adapters.notify.rehearsal import RehearsingNotifier
from rollout.adapters.notify.text import body, subject
from rollout.adapters.store.folder import check_writable
from rollout.adapters.store.holders import Holder
from rollout.adapters.store.journal import new_run_id
from rollout.adapters.store.kinds import InFolder, Store, StoreLock
from rollout.adapters.store.markers import StoredMarker
from rollout.adapters.store.plans import Plans
from rollout.adapters.store.processes import process_start
from rollout.adapters.store.rehearsal import RehearsingJournal, RehearsingMarker
from rollout.domain.diagnosis.facts import WayIn
from rollout.domain.exemptions import UserMatch
from rollout.domain.fingerprints import digest
from rollout.domain.force_mfa.documents import allow_half, enrolment, force_mfa
from rollout.domain.force_mfa.standing import Documents, Names
from rollout.domain.force_mfa.via import Via
from rollout.domain.inventory import Effort
from rollout.domain.journal.replay import replay
from rollout.domain.notices import Notice
from rollout.domain.organization import Caller
from rollout.domain.reach import Reach
from rollout.domain.readiness import Notified, Rehearsed
from rollout.domain.scope import Selection
from rollout.domain.stages import Stage
from rollout.domain.users import Unread
from rollout.domain.verdicts.rules import Rules
from rollout.reporting import ReportFiles
from rollout.settings import BucketPlace, Settings
from rollout.workflows.apply.order import Order, Tools
from rollout.workflows.doctor import DoctorOrder, DoctorTools
from rollout.workflows.freshening import read_with_care
from rollout.workflows.inventory import Looking, Premises, read_levels
from rollout.workflows.plan import PlanOrder, policy_fingerprint
from rollout.workflows.ports import Clock, Journal, PolicyLevels, Progress, StoredPlan
from rollout.workflows.release import ReleaseOrder, ReleaseTools
from rollout.workflows.repairing import Eyes, RepairTools
from rollout.workflows.rollback import RollbackOrder, RollbackTools, Wanted
from rollout.workflows.verify import FixOrder, VerifyTools

if TYPE_CHECKING:
    from rollout.adapters.aws.door import AwsDoor
    from rollout.adapters.aws.identity import WhoAmI
    from rollout.adapters.aws.operations import Ours
    from rollout.adapters.aws.organizations import AwsOrganization
    from rollout.adapters.aws.retries import Retries
    from rollout.adapters.aws.sessions import Connection

# Letters and digits that are not mistaken for each other.
ID_LETTERS = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("il1o0")))


def documents_for(settings: Settings, partition: str) -> Documents:
    """Write the documents of these settings for a partition."""
    full = force_mfa(seed(), partition, settings.domain_amendments())
    return Documents(full, allow_half(full), enrolment(partition))


def names_of(settings: Settings) -> Names:
    """Say what ours is called."""
    return Names(settings.policy.name, settings.policy.group)


def rules_for(settings: Settings, where: Premises) -> Rules:
    """Put the settings into the words that a judgement needs."""
    return Rules(
        partition=where.organization.partition,
        names=names_of(settings),
        documents=documents_for(settings, where.organization.partition),
        exemptions=settings.domain_exemptions(),
        break_glass=tuple(UserMatch(text) for text in settings.rules.break_glass),
        enforce_machines=tuple(UserMatch(text) for text in settings.rules.enforce_machines),
        machines=settings.domain_machines(),
        operators=where.caller.operator_arns,
        keys_in_use_days=settings.rules.keys_in_use_days,
        lead_time=settings.gates.lead_time,
        notice_for_unaffected=settings.gates.notice_for_unaffected,
        attach=Via(settings.policy.attach),
        find=settings.domain_find(),
        context=dict(settings.rules.context),
        organization_id=where.organization.id,
        management_account_id=where.organization.management_account_id,
    )


@dataclass(frozen=True)
class Files:
    """What lies in the store: no AWS needed where that is a folder, and nothing but S3 where it is a bucket.

    A bucket is asked through the connection of the run, or through one of its own by this profile.
    """

    settings: Settings
    profile: str | None = None
    connection: Connection | None = None

    @cached_property
    def _store(self) -> Store:
        place = self.settings.store
        if not isinstance(place, BucketPlace):
            return InFolder(self._here)
        from rollout.adapters.aws.sessions import Connection
        from rollout.adapters.store.s3_failures import Place
        from rollout.adapters.store.s3_store import InBucket

        kept = self.settings.bucket
        where = Place(place.bucket, place.prefix, kept.kms_key, kept.owner)
        return InBucket(self.connection or Connection(profile=self.profile), where)

    @property
    def _here(self) -> Path:
        """The folder of this machine that reports are opened in, spelled as people would spell it."""
        place, source = self.settings.store, self.settings.source
        if isinstance(place, BucketPlace):
            place = source.parent if source else Path.cwd()
        return Path(os.path.normpath(place))

    @property
    def plans(self) -> Plans:
        """The plans of the store."""
        return self._store.plans()

    def journal(self, run: str) -> Journal:
        """Open the journal; `run` names the segment that new records go into."""
        return self._store.journal(run)

    def lock(self) -> StoreLock:
        """One operator at a time, named by this process."""
        pid = os.getpid()
        me = Holder(getpass.getuser(), socket.gethostname(), pid, process_start(pid))
        return self._store.lock(me, LocalClock())

    def marker(self, organization_id: str) -> StoredMarker:
        """Where releases are put for runs that have begun already."""
        return StoredMarker(self._store.files, organization_id, self._store.fresh_for)

    def report_folder(self, plan: StoredPlan) -> Path:
        """Say where a plan's report goes."""
        return self._here / "reports" / plan.stem

    def share_report(self, plan: StoredPlan, written: ReportFiles) -> tuple[str, ...]:
        """Put a report that was written here where the team finds it; answers where, or nothing where it is there."""
        files = (written.users, written.accounts, written.changes, written.html)
        return self._store.share(f"reports/{plan.stem}", files)

    def check_plans_writable(self) -> None:
        """Before minutes of reading: can the plan be put where it belongs? Raises Unwritable."""
        self._store.check_writable("plans")

    def check_writable(self, stage: Stage, plan: StoredPlan) -> None:
        """Before anything is carried: can all be written that a run leaves behind? Raises Unwritable."""
        self._store.check_writable("journal")
        self._store.check_writable(f"reports/{plan.stem}")
        check_writable(self.report_folder(plan))
        if stage is Stage.NOTIFY:
            check_writable(self.settings.notify.outbox)


class Live:
    """The real thing: AWS by the caller's credentials, the store, the outbox."""

    def __init__(
        self,
        settings: Settings,
        profile: str | None = None,
        *,
        clock: Clock | None = None,
        randomness: Random | None = None,
    ) -> None:
        """Open the Session; nothing is asked yet. Raises NoCredentials.

        `clock` and `randomness` are given where a run has to be repeatable to the byte.
        """
        from rollout.adapters.aws.sessions import Connection

        self.settings = settings
        self._clock, self._randomness = clock, randomness or SystemRandom()
        several = settings.engine.max_accounts * settings.engine.per_account
        self.connection = Connection(profile=profile, pool=several + 8)
        self.files = Files(settings, connection=self.connection)
        self.stop = threading.Event()

    @cached_property
    def clock(self) -> Clock:
        """Decision time: AWS's own."""
        from rollout.adapters.aws.clock import AwsClock

        return self._clock or AwsClock(self._who)

    @cached_property
    def _retries(self) -> Retries:
        """One for all calls: it remembers what the endpoint does not offer."""
        from rollout.adapters.aws.retries import Retries

        return Retries()

    @cached_property
    def _who(self) -> WhoAmI:
        from rollout.adapters.aws.identity import WhoAmI

        return WhoAmI(self.connection, self._retries)

    @cached_property
    def organization(self) -> AwsOrganization:
        """The organization as the caller sees it."""
        from rollout.adapters.aws.organizations import AwsOrganization

        tagged = self.settings.wants_account_tags()
        return AwsOrganization(self.connection, with_tags=tagged, retries=self._retries, who=self._who)

    @cached_property
    def _ours(self) -> Ours:
        """What belongs to this tool in every account."""
        from rollout.adapters.aws.operations import Ours

        names = names_of(self.settings)
        return Ours(
            policies=(f"{names.path}{names.policy}", f"{names.path}{names.enrolment_policy}"),
            groups=(f"{names.path}{names.group}", f"{names.path}{names.enrolment_group}"),
        )

    def door(self, where: Premises, *, writing: bool) -> AwsDoor:
        """The way into accounts, for reading or for carrying changes."""
        return self._door(where.caller, writing=writing)

    def _door(self, caller: Caller, *, writing: bool) -> AwsDoor:
        from rollout.adapters.aws.door import Access, AwsDoor, Ways

        access = self.settings.access
        overrides = {
            account_id: Access(override.roles, override.external_id)
            for account_id, override in access.overrides.items()
        }
        ways = Ways(
            access.roles,
            access.own_account_role,
            access.external_id,
            overrides,
            access.hop_role,
            access.session_name,
            access.source_identity,
            access.session_tags,
        )
        return AwsDoor(
            self.connection,
            caller,
            self.clock,
            self._ours,
            ways,
            writing=writing,
            retries=self._retries,
            is_new=self.organization.is_new,
        )

    def new_run(self) -> str:
        """Name a run so that names sort by time."""
        return new_run_id(self.clock.now(), self._randomness)

    def engine(self) -> ThreadEngine:
        """Accounts side by side."""
        return ThreadEngine(self.settings.engine.max_accounts, self.stop)

    def looking(self, where: Premises, progress: Progress) -> Looking:
        """The ports that an inventory needs."""
        door = self.door(where, writing=False)
        return Looking(
            door, self.engine(), self.clock, progress, partial(_effort_of, self.organization, door)
        )

    def doctor_tools(self, progress: Progress) -> DoctorTools:
        """The ports of a doctor, who only reads."""
        from rollout.adapters.aws.vantage import AwsVantage

        return DoctorTools(
            self.organization,
            AwsVantage(self.connection, self._who, self._ours),
            partial(self._door, writing=False),
            self.engine(),
            progress,
        )

    def doctor_order(self, selection: Selection, *, reading_only: bool) -> DoctorOrder:
        """Say what a doctor is to look at."""
        settings, access = self.settings, self.settings.access
        asks_for_id = access.external_id or any(one.external_id for one in access.overrides.values())
        way_in = WayIn(bool(asks_for_id), bool(access.source_identity), bool(access.session_tags))
        return DoctorOrder(
            settings.organization,
            settings.rules.scps,
            settings.domain_scope(),
            selection,
            way_in,
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
            door=self.door(where, writing=stage is not Stage.DRY_RUN),
            engine=self.engine(),
            journal=journal,
            notifier=self.outbox(run),
            lock=self.files.lock(),
            clock=self.clock,
            progress=progress,
            stopping=self.stop.is_set,
            marker=self.files.marker(where.organization.id),
            within=ThreadEngine(self.settings.engine.per_account, self.stop),
        )
        return rehearsing(tools) if stage is Stage.DRY_RUN else tools

    def release_tools(
        self, run: str, where: Premises, progress: Progress, *, rehearsal: bool
    ) -> ReleaseTools:
        """The ports of a release: no lock, but a look at who holds it."""
        lock, organization_id = self.files.lock(), where.organization.id
        marker, journal = self.files.marker(organization_id), self.files.journal(run)
        door = self.door(where, writing=not rehearsal)
        tools = ReleaseTools(
            door,
            self.engine(),
            journal,
            marker,
            self.clock,
            progress,
            partial(_running, lock, organization_id),
            sleep,
        )
        if not rehearsal:
            return tools
        from rollout.adapters.aws.rehearsal import RehearsingDoor

        return replace(
            tools,
            door=RehearsingDoor(door),
            journal=RehearsingJournal(journal),
            marker=RehearsingMarker(marker),
        )

    def release_order(
        self,
        run: str,
        where: Premises,
        reach: Reach,
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
            reach,
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
        door, journal = self.door(where, writing=not rehearsal), self.files.journal(run)
        tools = RollbackTools(
            door, self.engine(), journal, self.files.lock(), self.clock, progress, self.stop.is_set
        )
        if not rehearsal:
            return tools
        from rollout.adapters.aws.rehearsal import RehearsingDoor

        return replace(tools, door=RehearsingDoor(door), journal=RehearsingJournal(journal))

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
        door, journal = self.door(where, writing=not rehearsal), self.files.journal(run)
        marker = self.files.marker(where.organization.id)
        tools = RepairTools(
            door,
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
        from rollout.adapters.aws.rehearsal import RehearsingDoor

        return replace(
            tools,
            door=RehearsingDoor(door),
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

    def outbox(self, run: str) -> Outbox:
        """The folder that mails go into."""
        notify = self.settings.notify
        return Outbox(notify.outbox, notify.sender, notify.outbox_counts, self.clock.now, run)

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


def _effort_of(organization: AwsOrganization, door: AwsDoor, account_id: str) -> Effort:
    return door.effort(account_id) if account_id else organization.tally.effort


def _running(lock: StoreLock, organization_id: str) -> str:
    holder = lock.holder(organization_id)
    return holder.sentence if holder else ""


def rehearsing(tools: Tools) -> Tools:
    """Trade the adapters that write for ones that only note."""
    from rollout.adapters.aws.rehearsal import RehearsingDoor

    return replace(
        tools,
        door=RehearsingDoor(tools.door),
        journal=RehearsingJournal(tools.journal),
        notifier=RehearsingNotifier(),
    )


def message_of(notice: Notice, settings: Settings) -> tuple[str, str]:
    """Write a message as it would be sent: its subject and its text."""
    return subject(notice), body(notice, settings.notify.sender)


class LocalClock:
    """This machine's clock: for locks, which are about processes and not about decisions."""

    def now(self) -> datetime:
        """Return this machine's time, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - locks are about processes; wiring chooses this clock for them


def offline_now() -> datetime:
    """Decision time for commands that ask AWS nothing: that of an endpoint on this machine, else the clock."""
    return offline_clock.offline_now(os.environ)


def stop_on(live: Live, say: Callable[[], None]) -> Callable[[int, object], None]:
    """Make a signal handler that asks a run to end, and says so: the changes in hand are finished first."""

    def handler(_signal: int, _frame: object) -> None:
        if not live.stop.is_set():
            say()
        live.stop.set()

    return handler
