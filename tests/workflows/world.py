"""A small organization in memory, on which the workflows are carried as the command line would carry them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from rollout.aws.write.rehearsed_access import RehearsedAccess
from rollout.domain.gates import GateRules, Tolerance
from rollout.domain.gates.readiness import Notified, Rehearsed
from rollout.domain.people.addresses import AddressTag
from rollout.domain.people.exemptions import Exemption
from rollout.domain.people.observations import AccountFacts, Group, Inventory
from rollout.domain.people.organization import Account, AccountState
from rollout.domain.people.scope import Scope, Selection
from rollout.domain.people.users import NamedPolicy, Unread, User
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.changes import AddMember, AttachToUser, Change
from rollout.domain.policy.force_mfa import PolicyAmendments, allow_half, enrolment, force_mfa
from rollout.domain.policy.made import RUN_TAG
from rollout.domain.policy.our_resources import Documents, Names
from rollout.domain.progress.history import History, replay_all
from rollout.domain.progress.records import Record, Reminded, RunStarted, Told
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.rules import DecisionRules
from rollout.store.rehearsed_journal import RehearsingJournal
from rollout.wiring.seed_policy import seed
from rollout.workflows.apply.order import ApplyResult, Order
from rollout.workflows.apply.run import Agree, apply_plan
from rollout.workflows.inventory import Look, Looking, Premises, read_levels, take_inventory
from rollout.workflows.judging.draft import PlanOrder, policy_fingerprint
from rollout.workflows.plan import (
    NOTHING_EARLIER,
    Earlier,
    Planned,
    make_plan,
)
from rollout.workflows.ports import CannotEnter, Notifier, PolicyLevels
from rollout.workflows.run_context import NoLock, RunContext
from tests.builders import (
    ACCOUNT,
    GROUP,
    MANAGEMENT,
    NOW,
    ORGANIZATION,
    POLICY,
    a_caller,
    a_user,
    account_facts,
    an_account,
    an_organization,
)
from tests.fakes import (
    FakeAccount,
    FakeClock,
    FakeDoor,
    FakeDraft,
    FakeEngine,
    FakeJournal,
    FakeLock,
    FakeNotifier,
    FakeOrganization,
    FakePlans,
    FakeProgress,
    FakeRehearsal,
    FakeStoredPlan,
)

LEAD_TIME = timedelta(days=14)
# Most stories are about something else than the failure budget.
ALL_MAY_FAIL = Tolerance(10**6, 100)
SOAK = timedelta(days=3)
ENROLMENT_GROUP = f"{GROUP}Enrolment"
ENROLMENT_POLICY = f"{POLICY}Enrolment"

FULL = force_mfa(seed(), "aws", PolicyAmendments())
BRAKE = allow_half(FULL)
DOCUMENTS = Documents(FULL, BRAKE, enrolment("aws"))
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ADMIN = NamedPolicy("admin", ANYTHING)
EXPECTED_SETTINGS = "sha256:settings"


def a_person(name: str = "alice", **more: Any) -> User:
    """Somebody with a device and an address: enforcing changes nothing for them, unless told otherwise."""
    return a_user(name, **({"tags": {"email": f"{name}@example.com"}} | more))


def a_cli_user(name: str = "carl", **more: Any) -> User:
    """Somebody who will need session tokens on the CLI, and has to be told."""
    return a_person(name, **({"keys": 1} | more))


def an_enroller(name: str = "erin", *, helped: bool = True, **more: Any) -> User:
    """Somebody without a device; `helped`: without the right to enrol one, either."""
    return a_person(name, **({"mfa": None, "inline": () if helped else (ADMIN,)} | more))


def a_group(name: str, *attached: str, path: str = "/", **more: Any) -> Group:
    return Group(name, path, f"AGPA-{name}", attached, **more)


class World:
    """Accounts, clock, store and mail of one organization; each method is one command of an operator.

    Users are put into accounts by their own `account_id`; the wave `canary` takes the names in `canary`.
    """

    def __init__(
        self,
        *users: User,
        canary: Collection[str] = (),
        accounts: Iterable[Account] = (),
        facts: Mapping[str, Mapping[str, Any]] | None = None,
        **rules: Any,
    ) -> None:
        self.clock = FakeClock(NOW)
        self.journal = FakeJournal()
        self.plans = FakePlans()
        self.notifier = FakeNotifier()
        self.lock = FakeLock()
        self.progress = FakeProgress()
        self.closed: dict[str, CannotEnter] = {}
        self.levels: PolicyLevels | Unread | None = None
        self.stopping: Callable[[], bool] = lambda: False
        self.engine_stops = False
        self.waves: tuple[Wave, ...] = (
            (Wave("canary", users=tuple(canary)), Wave("rest")) if canary else (Wave("rest"),)
        )
        self.scope = Scope()
        self.settings = EXPECTED_SETTINGS
        self.lead_time, self.soak, self.plan_max_age = LEAD_TIME, SOAK, timedelta(days=60)
        self.gates = GateRules(failure_tolerance=ALL_MAY_FAIL)
        given: dict[str, Any] = {
            "partition": "aws",
            "names": Names(),
            "documents": DOCUMENTS,
            "find": (AddressTag("email"),),
            "organization_id": ORGANIZATION,
            "management_account_id": MANAGEMENT,
        }
        self.rules = DecisionRules(**(given | rules))
        self.listed = {account.id: account for account in accounts}
        owners = {user.account_id for user in users} or (set() if self.listed else {ACCOUNT})
        for account_id in sorted(owners):
            self.listed.setdefault(account_id, an_account(account_id, f"account-{account_id[:4]}"))
        self.accounts: dict[str, FakeAccount] = {}
        for account_id, account in self.listed.items():
            mine = (user for user in users if user.account_id == account_id)
            self.accounts[account_id] = FakeAccount(
                account, account_facts(*mine, **(facts or {}).get(account_id, {})), self.clock
            )
        self.runs = 0
        self.copied_runs = 0

    # --- What stands ---

    @property
    def account(self) -> FakeAccount:
        """The first account."""
        return self.accounts[min(self.accounts)]

    @property
    def written(self) -> list[Change]:
        """Every write that had an effect, account after account."""
        return [change for account in self.accounts.values() for change in account.written]

    @property
    def attempted(self) -> list[Change]:
        return [change for account in self.accounts.values() for change in account.attempted]

    @property
    def state(self) -> dict[str, AccountFacts]:
        """Everything that AWS holds, but for which run made it."""
        return {account_id: whoever_made_it(account.facts) for account_id, account in self.accounts.items()}

    @property
    def enforced(self) -> set[str]:
        """Names of those whom the full policy reaches."""
        return {
            user.name
            for account in self.accounts.values()
            for user in account.facts.users
            if is_denied_without_mfa(user, account.facts)
        }

    @property
    def done(self) -> History:
        """What the journal says."""
        return replay_all(self.journal.records(), ORGANIZATION)

    def sent(self) -> list[Told | Reminded]:
        return [record for record in self.journal.kept if isinstance(record, Told | Reminded)]

    def records(self, kind: type[Record]) -> list[Any]:
        return [record for record in self.journal.kept if isinstance(record, kind)]

    @property
    def told(self) -> dict[str, list[str]]:
        """Names of the users each address was told about, message by message flattened."""
        found: dict[str, list[str]] = {}
        for notice in self.notifier.sent:
            found.setdefault(notice.address, []).extend(line.user.name for line in notice.lines)
        return found

    def person(self, name: str) -> User:
        """The user as their account has it now."""
        return next(
            user for account in self.accounts.values() for user in account.facts.users if user.name == name
        )

    # --- What others do ---

    def days_pass(self, days: float) -> World:
        self.clock.advance(timedelta(days=days))
        return self

    def change(self, name: str, **fields: Any) -> None:
        """Change a user, as an administrator would."""
        user = replace(self.person(name), **fields)
        self.accounts[user.account_id].put(user)

    def close(self, account_id: str, state: AccountState = AccountState.CLOSED) -> None:
        self.listed[account_id] = replace(self.listed[account_id], state=state)

    def pull_the_brake(self) -> None:
        """Point the default version of the first account's policy at the Allow half."""
        facts = self.account.facts
        policy = facts.policies[POLICY]
        versions = tuple(replace(version, is_default=version.id == "v1") for version in policy.versions)
        self.account.facts = replace(
            facts, policies={**facts.policies, POLICY: replace(policy, versions=versions)}
        )

    def exempt(self, *lines: Exemption) -> None:
        self.rules = replace(self.rules, exemptions=lines)

    # --- What the operator does ---

    @property
    def organization(self) -> FakeOrganization:
        return FakeOrganization(an_organization(), a_caller(), list(self.listed.values()), self.levels)

    @property
    def where(self) -> Premises:
        return Premises(a_caller(), an_organization(), tuple(self.listed.values()))

    @property
    def access(self) -> FakeDoor:
        return FakeDoor(self.accounts.values(), self.closed)

    def inventory(self, selection: Selection = Selection()) -> Inventory:  # noqa: B008 - a frozen value
        return take_inventory(self.look(selection))

    def look(self, selection: Selection = Selection()) -> Look:  # noqa: B008 - a frozen value
        looking = Looking(self.access, FakeEngine(self._is_stopping), self.clock, self.progress)
        levels = read_levels(self.organization, self.where.accounts, "auto")
        return Look(self.where, lambda: levels, looking, self.scope, selection)

    def plan(
        self, plan_id: str = "k3f9", *, max_exempt_percent: float = 100, earlier: Earlier = NOTHING_EARLIER
    ) -> Planned:
        order = PlanOrder(plan_id, self.rules, self.waves, "auto", self.settings, max_exempt_percent)
        return make_plan(self.look(), order, FakeDraft(self.plans), self.journal, earlier)

    @property
    def notice_rule(self) -> Notified:
        """The rule by which users are ready."""
        return replace(Notified.by(self.rules), lead_time=self.lead_time)

    def order(self, stage: Stage, **more: Any) -> Order:
        rehearsal = stage is Stage.DRY_RUN
        fields: dict[str, Any] = {
            "stage": stage,
            "steps": (Stage.NOTIFY, Stage.ENFORCE) if rehearsal else (stage,),
            "plan": self.plans.kept[-1],
            "rules": self.rules,
            "waves": self.waves,
            "scope": self.scope,
            "readiness": Rehearsed() if rehearsal else self.notice_rule,
            "settings": self.settings,
            "policy": policy_fingerprint(self.rules),
            "scps": "auto",
            "plan_max_age": self.plan_max_age,
            "gates": self.gates.changed(soak=self.soak),
            "gated": not rehearsal,
        }
        return Order(**(fields | more))

    def run(self, **more: Any) -> RunContext:
        """What the next run carries with it."""
        fields: dict[str, Any] = {
            "id": f"run-{self.runs}",
            "organization_id": ORGANIZATION,
            "caller": a_caller().arn,
            "version": "1.0.0",
            "access": self.access,
            "engine": FakeEngine(self._is_stopping if self.engine_stops else lambda: False),
            "journal": self.journal,
            "lock": self.lock,
            "clock": self.clock,
            "progress": self.progress,
            "stopping": self._is_stopping,
        }
        return RunContext(**(fields | more))

    def _is_stopping(self) -> bool:
        return self.stopping()

    def apply(
        self,
        stage: Stage | str,
        run: RunContext | None = None,
        notifier: Notifier | None = None,
        agree: Agree = lambda _: None,
        **more: Any,
    ) -> ApplyResult:
        """`rollout apply --stage …`; each call is a run of its own."""
        self.runs += 1
        context = replace(run, id=f"run-{self.runs}") if run else self.run()
        return apply_plan(
            self.order(Stage(stage), **more),
            run=context,
            preview=a_preview(context),
            where=self.where,
            organization=self.organization,
            notifier=notifier or self.notifier,
            agree=agree,
        )

    def rehearse(self, **more: Any) -> tuple[ApplyResult, RehearsedAccess, FakeRehearsal]:
        """`rollout apply --stage dry-run`, with what its adapters noted."""
        access, notifier = RehearsedAccess(self.access), FakeRehearsal()
        run = self.run(journal=RehearsingJournal(self.journal), access=access, rehearsal=True)
        return self.apply(Stage.DRY_RUN, run, notifier, **more), access, notifier

    def notify(self, **more: Any) -> ApplyResult:
        return self.apply(Stage.NOTIFY, **more)

    def enforce(self, **more: Any) -> ApplyResult:
        return self.apply(Stage.ENFORCE, **more)

    # --- Shortcuts to a moment in the story ---

    def planned(self) -> World:
        """Planned and rehearsed."""
        self.plan()
        self.rehearse()
        return self

    def notified(self) -> World:
        """Everybody of every wave told, today."""
        self.planned()
        for _ in self.waves:
            self.notify()
        return self

    def ripe(self) -> World:
        """Everybody told, and the day told has come."""
        return self.notified().days_pass(15)


def whoever_made_it(facts: AccountFacts) -> AccountFacts:
    """What an account holds, without the tag of the run that made a policy."""
    policies = {
        arn: replace(policy, tags={key: value for key, value in policy.tags.items() if key != RUN_TAG})
        if policy.tags
        else policy
        for arn, policy in facts.policies.items()
    }
    return replace(facts, policies=policies)


def a_preview(run: RunContext) -> RunContext:
    """The rehearsal of a run, as wiring makes it for the time before the question."""
    access = RehearsedAccess(run.access, once=True)
    return replace(run, access=access, journal=RehearsingJournal(run.journal), lock=NoLock(), rehearsal=True)


def a_copy(world: World) -> World:
    """The same organization once more: what one copy goes through leaves the other alone."""
    twin = World(accounts=world.listed.values())
    twin.clock.instant = world.clock.instant
    twin.journal.kept = list(world.journal.kept)
    twin.plans.kept = list(world.plans.kept)
    twin.notifier.sent = list(world.notifier.sent)
    for name in ("rules", "waves", "scope", "settings", "lead_time", "soak", "gates", "plan_max_age", "runs"):
        setattr(twin, name, getattr(world, name))
    for account_id, account in world.accounts.items():
        twin.accounts[account_id].facts = account.facts
    twin.copied_runs = len(world.records(RunStarted))
    return twin


def is_denied_without_mfa(user: User, facts: AccountFacts) -> bool:
    """Tell whether a full policy of ours, or one of the same name, reaches the user now."""
    carried = {*user.attached, *(arn for name in user.groups for arn in facts.groups[name].attached)}
    documents = [
        facts.policies[arn].default
        for arn in carried
        if arn.endswith(("/ForceMFA", "/ForceMFA-rollout")) and arn in facts.policies
    ]
    return any(
        default is not None
        and isinstance(default.document, Mapping)
        and any(statement["Effect"] == "Deny" for statement in default.document["Statement"])  # type: ignore[attr-defined]  # a statement is a mapping
        for default in documents
    )


def placements(changes: Iterable[Change]) -> list[str]:
    """Names of the users whom these writes put under ForceMFA, in order."""
    return [
        change.user.name
        for change in changes
        if (isinstance(change, AddMember) and change.group == GROUP)
        or (isinstance(change, AttachToUser) and change.policy_arn.endswith("/ForceMFA"))
    ]


def entries(stored: FakeStoredPlan) -> Iterator[PlanEntry]:
    """Everybody in a plan."""
    for part in stored.accounts():
        yield from part.entries
