"""The real thing: what each command works with, and what it is told to do."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rollout import __version__
from rollout.domain.diagnosis.facts import EntrySettings
from rollout.domain.gates.readiness import Rehearsed
from rollout.domain.people.organization import Account
from rollout.domain.people.scope import Selection
from rollout.domain.people.users import Unread
from rollout.domain.plan.fingerprints import digest
from rollout.domain.progress.channels import channel_named
from rollout.domain.progress.messages import Summary
from rollout.domain.progress.stages import Stage
from rollout.domain.proof.foretelling import ProofWorld, scps_of
from rollout.domain.proof.proof_steps import documents_of
from rollout.domain.proof.proof_users import ProofNames
from rollout.domain.verdicts.requests import RequestEnvironment
from rollout.errors import StoreUnknown
from rollout.execution.threads import ThreadEngine
from rollout.notify.building import build_channel
from rollout.notify.rehearsed_channel import RehearsingNotifier
from rollout.notify.secret import Secret
from rollout.settings import SecretPlace
from rollout.store.rehearsed_journal import RehearsingJournal, RehearsingMarker
from rollout.wiring.decision_rules import documents_for, names_of, rules_for
from rollout.wiring.live_looks import LiveLooks
from rollout.wiring.previews import press_of
from rollout.wiring.secret_reading import secret_at
from rollout.wiring.store_examination import examine_store
from rollout.workflows.account_run.wave_gates import GatedBy
from rollout.workflows.apply.order import Order
from rollout.workflows.doctor import DoctorOrder, DoctorTools
from rollout.workflows.inventory import (
    Premises,
    levels_of,
)
from rollout.workflows.judging.draft import PlanOrder, policy_fingerprint
from rollout.workflows.ports import Journal, Notifier, PolicyLevels, ProgressDisplay, StopMarker, StoredPlan
from rollout.workflows.proving.proof_run import ProveOrder
from rollout.workflows.recording.take_over import take_over
from rollout.workflows.release import ReleaseOrder
from rollout.workflows.run_context import JudgementBasis, NoJournal, NoLock, NoMarker, RunContext
from rollout.workflows.seal import Unsealed
from rollout.workflows.telling.deliveries import Deliveries
from rollout.workflows.verify import FixOrder

if TYPE_CHECKING:
    from rollout.aws.connect.notice_clients import NoticeClients
    from rollout.notify.ses_events import EventQueue


# Letters and digits that are not mistaken for each other.
ID_LETTERS = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("il1o0")))


class Live(LiveLooks):
    """Puts AWS, the store and the outbox together for each command."""

    def doctor_tools(self, progress: ProgressDisplay) -> DoctorTools:
        """The ports of `doctor`, which only reads."""
        from rollout.aws.connect.run_environment import AwsRunEnvironment

        return DoctorTools(
            self.organization,
            AwsRunEnvironment(
                self.connection,
                self._who,
                names_of(self.settings),
                trail=self.settings.trail_regions() is not None,
            ),
            partial(self._access_of, writing=False),
            self.engine(),
            progress,
            self.clock,
            partial(examine_store, self.files),
        )

    def doctor_order(self, selection: Selection, *, reading_only: bool, proving: bool = False) -> DoctorOrder:
        """Return the input of `doctor`."""
        settings, access = self.settings, self.settings.access
        overrides = (*access.overrides.values(), *access.ou_overrides.values())
        asks_for_id = access.external_id or any(one.external_id for one in overrides)
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
            proving,
            settings.domain_selectors(),
        )

    def plan_order(self, where: Premises, *, accept_unmatched: bool = False) -> PlanOrder:
        """Return the input of a plan."""
        settings = self.settings
        return PlanOrder(
            id="".join(self._randomness.choices(ID_LETTERS, k=4)),
            rules=rules_for(settings, where, self.people_in(where)),
            waves=settings.domain_waves(),
            scps=settings.rules.scps,
            settings=digest(settings.decisive()),
            max_exempt_percent=settings.rules.max_exempt_percent,
            selectors=settings.domain_selectors(),
            accept_unmatched=accept_unmatched,
        )

    def run_context(
        self,
        run: str,
        where: Premises,
        progress: ProgressDisplay,
        *,
        rehearsal: bool = False,
        locked: bool = True,
    ) -> RunContext:
        """The context of a run. A rehearsal differs only here: its adapters read AWS and only record writes.

        A run that is not `locked` uses no lock.
        """
        organization_id = where.organization.id
        access = self.access(where, writing=not rehearsal)
        journal: Journal
        marker: StopMarker
        try:
            journal, marker = self.files.journal(run), self.files.marker(organization_id, cautious=locked)
        except StoreUnknown as problem:
            journal, marker = NoJournal(problem), NoMarker()
        real = RunContext(
            id=run,
            organization_id=organization_id,
            caller=where.caller.arn,
            version=__version__,
            access=access,
            engine=self.engine(),
            within=ThreadEngine(self.settings.engine.per_account, self.stop),
            journal=journal,
            lock=self.files.lock() if locked else NoLock(),
            marker=marker,
            clock=self.clock,
            progress=progress,
            stopping=self.stop.is_set,
            pause=self.stop.wait,
            requests=self._retries.requests,
        )
        return _rehearsed(real) if rehearsal else real

    def preview(self, run: RunContext) -> RunContext:
        """Return a rehearsal of a run for before its question: it holds no lock, and reads each account only once."""
        return replace(_rehearsed(run, once=True), lock=NoLock())

    def sealing_run(
        self, run: str, where: Premises, progress: ProgressDisplay, found: Unsealed
    ) -> RunContext:
        """Return the context of a run whose segment vouches for those that were found without a seal."""
        return replace(self.run_context(run, where, progress), journal=self.files.journal(run, found.vouched))

    def take_over(self, where: Premises, say: Callable[[str], None]) -> None:
        """Record what the store did not take when people were let out. Raises Unwritable, JournalDamaged."""
        organization_id = where.organization.id
        found = self.files.unrecorded.runs()
        take_over(found, self.files.journal, self.files.marker(organization_id), organization_id, say)

    def run_under_way(self, where: Premises) -> Callable[[], str]:
        """Return a function that names the holder of the lock, or "" if nobody holds it."""
        lock, organization_id = self.files.lock(), where.organization.id
        return lambda: holder.sentence if (holder := lock.holder(organization_id)) else ""

    def release_order(self, where: Premises, *, until: datetime | None, reason: str) -> ReleaseOrder:
        """Say what a release is to do."""
        partition = where.organization.partition
        half = documents_for(self.settings, partition).brake
        return ReleaseOrder(partition, names_of(self.settings), half, until, reason)

    def gated_by(self, plan: StoredPlan, overrides: Mapping[str, str]) -> GatedBy:
        """Say which gates are asked before anybody is put back under the policy."""
        settings = self.settings
        return GatedBy(plan, settings.domain_gates(), settings.domain_scope(), overrides)

    def basis(
        self, where: Premises, levels: PolicyLevels | Unread, *, finding: bool = True
    ) -> JudgementBasis:
        """What `release --end`, `verify` and `rollback` judge accounts by; `finding`: also whom notices go to."""
        scps = None if isinstance(levels, Unread) else levels.by_account
        return JudgementBasis(
            rules_for(self.settings, where, self.people_in(where) if finding else None), scps
        )

    def fix_order(self, where: Premises, gated: GatedBy, *, memberships: bool) -> FixOrder:
        """Return the input of `verify --fix`."""
        policy = policy_fingerprint(rules_for(self.settings, where))
        return FixOrder(gated, policy, digest(self.settings.decisive()), memberships)

    def prove_order(
        self, where: Premises, account: Account, *, through_service: bool, in_use_ok: bool, guided: bool
    ) -> ProveOrder:
        """Return the input of a proof in one account."""
        rules = rules_for(self.settings, where)
        partition = where.organization.partition
        names = ProofNames("".join(self._randomness.choices(ID_LETTERS, k=6)), guided)
        documents = documents_of(names, partition, account.id, rules.documents)
        environment = RequestEnvironment(partition, where.organization.id, self.clock.now(), rules.context)
        scps = scps_of(levels_of(account, self.levels(where)))
        world = ProofWorld(account.id, environment, documents, scps)
        return ProveOrder(
            account,
            partition,
            policy_fingerprint(rules),
            documents,
            world,
            through_service=through_service,
            in_use_ok=in_use_ok,
        )

    def notifier(self, *, rehearsal: bool = False) -> Notifier:
        """The channel that `notify.channel` names; a rehearsal's sends nothing."""
        if rehearsal:
            return RehearsingNotifier()
        notify = self.settings.notify
        channel = channel_named(notify.channel)
        values = {
            name: secret_at(value, self.connection, self._retries)
            if isinstance(value, SecretPlace)
            else value
            for name, value in notify.of_channel.items()
        }
        return build_channel(channel, values, press_of(self.settings), self.clock.now, self._notice_clients)

    @property
    def _notice_clients(self) -> NoticeClients:
        from rollout.aws.connect.notice_clients import NoticeClients

        settings = self.settings
        return NoticeClients(
            self.connection, self._retries, settings.access.session_name, settings.notify.sender
        )

    def chats(self) -> Mapping[str, Callable[[Summary], None]]:
        """What posts where a team stands to its chat, by the name of the team. Raises ChannelUnusable."""
        from rollout.notify.posting.chat import ChatKind, post_to_chat
        from rollout.notify.team_letter import for_everybody
        from rollout.notify.words import words_in

        notify, press = self.settings.notify, press_of(self.settings)

        def poster(kind: ChatKind, url: Secret) -> Callable[[Summary], None]:
            words = words_in(notify.language, notify.templates)
            return lambda summary: post_to_chat(kind, url, for_everybody(summary, words, press.head))

        return {
            team.name: poster(ChatKind(team.kind), secret_at(team.chat, self.connection, self._retries))
            for team in notify.teams
            if team.chat is not None
        }

    def delivery_events(self) -> EventQueue | None:
        """The queue in which the channel says later how messages fared; None without one. Raises ChannelUnusable."""
        notify = self.settings.notify
        if notify.channel != "ses" or not (url := notify.of_channel["ses_events"]):
            return None
        from rollout.notify.aws_calls import ChannelCalls
        from rollout.notify.ses_events import EventQueue

        # https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; elsewhere, the Region is that of the mails
        named = re.search(r"//sqs\.([a-z0-9-]+)\.", str(url))
        region = named[1] if named else str(notify.of_channel["ses_region"] or "")
        client = self._notice_clients("sqs", region, str(notify.of_channel["ses_role"] or ""))
        return EventQueue(ChannelCalls("sqs", client), str(url))

    def record_deliveries(self, organization_id: str, file: Path | None = None) -> Deliveries | None:
        """Record what the channel says by now of how messages fared, or what a file of it says; None if nothing does.

        Raises ChannelUnusable, BadSettings, Unwritable.
        """
        queue = self.delivery_events() if file is None else None
        if queue is None and file is None:
            return None
        run, now = self.new_run(), self.clock.now()
        journal = self.files.journal(run)
        deliveries = Deliveries(journal, run, organization_id, journal.progress(organization_id))
        if queue is not None:
            queue.take(lambda reports: deliveries.record(reports, now))
        elif file is not None:
            from rollout.notify.ses_events import exported_reports

            deliveries.record(exported_reports(file), now)
        return deliveries

    def order(
        self,
        stage: Stage,
        plan: StoredPlan,
        where: Premises,
        *,
        wave: str | None,
        selection: Selection,
        overrides: Mapping[str, str],
    ) -> Order:
        """Return the input of an apply."""
        settings = self.settings
        rules = rules_for(settings, where, self.people_in(where))
        rehearsal = stage is Stage.DRY_RUN
        return Order(
            stage=stage,
            steps=(Stage.NOTIFY, Stage.ENFORCE) if rehearsal else (stage,),
            plan=plan,
            rules=rules,
            waves=settings.domain_waves(),
            scope=settings.domain_scope(),
            readiness=Rehearsed() if rehearsal else settings.domain_notified(),
            settings=digest(settings.decisive()),
            policy=policy_fingerprint(rules),
            scps=settings.rules.scps,
            plan_max_age=settings.rules.plan_max_age,
            gates=settings.domain_gates(),
            gated=not rehearsal,
            wave=wave,
            selection=selection,
            overrides=overrides,
            remind_at=settings.notify.remind_at,
            announces=settings.notify.on_the_day,
            zone=settings.domain_schedule().zone,
        )


def _rehearsed(run: RunContext, *, once: bool = False) -> RunContext:
    from rollout.aws.write.rehearsed_access import RehearsedAccess

    return replace(
        run,
        access=RehearsedAccess(run.access, once=once),
        journal=RehearsingJournal(run.journal),
        marker=RehearsingMarker(run.marker),
        rehearsal=True,
    )


def stop_on(live: Live, say: Callable[[], None]) -> Callable[[int, object], None]:
    """Return a signal handler that asks a run to stop after the changes under way, and says so."""

    def handler(_signal: int, _frame: object) -> None:
        if not live.stop.is_set():
            say()
        live.stop.set()

    return handler
