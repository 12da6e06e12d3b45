"""`rollout verify`: looks again, says what has drifted, and with `--fix` puts right what the plan decided already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.actions.letting_out import lasting, merged, say
from rollout.domain.actions.sight import Sight
from rollout.domain.actions.wishes import to_fix
from rollout.domain.drift import Drift, Drifted, about_accounts, drift_of, seen
from rollout.domain.people.inventory import Inventory
from rollout.domain.plan.entries import AccountPlan
from rollout.domain.policy.changes import UserRef
from rollout.domain.progress.records import (
    Deadlocked,
    Enforcement,
    EnforcementSeen,
    Record,
    RunEnded,
    RunStarted,
)
from rollout.domain.progress.replay import KnownEnforcement, replay
from rollout.domain.progress.stages import Stage
from rollout.domain.status.user_status import Statuses, UserStatus
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import PlanRefused, Unwritable
from rollout.workflows.apply.maker import Maker, Numbering
from rollout.workflows.apply.watch import lock_lost
from rollout.workflows.ports import Clock, Journal, StopMarker, StoredPlan
from rollout.workflows.ports import Progress as ProgressPort
from rollout.workflows.repairing import Eyes, Repaired, RepairTools, repair, word_for

FIXING = "verify --fix"
NOT_OURS = frozenset({Enforcement.NEVER, Enforcement.UNDONE, Enforcement.NOT_FOUND, Enforcement.GONE})
"""Nothing of ours is on such a user, whichever way that came about."""


@dataclass(frozen=True, slots=True)
class Enforced:
    """How many users this tool has put under the policy and no release lets out, and how many are enforced in fact."""

    expected: int = 0
    in_fact: int = 0


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look has found. `let_out` names releases that last, which are no drift."""

    drifts: tuple[Drift, ...]
    let_out: tuple[str, ...]
    enforced: Enforced
    accounts: int
    unreachable: tuple[tuple[str, str], ...]

    @property
    def clean(self) -> bool:
        """Tell whether nothing differs, as far as could be seen."""
        return not self.drifts


@dataclass(frozen=True, slots=True)
class VerifyTools:
    """The ports that a look needs, besides the inventory."""

    journal: Journal
    marker: StopMarker
    clock: Clock
    progress: ProgressPort


@dataclass(frozen=True, slots=True)
class FixOrder:
    """What `--fix` may do, and by whom. `policy` and `settings` are today's digests, as the plan has them."""

    plan: StoredPlan
    policy: str
    settings: str
    memberships: bool
    caller: str
    version: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """What came of `--fix`, account by account."""

    accounts: tuple[Repaired, ...]
    unbegun: int = 0

    @property
    def writes(self) -> int:
        """How many writes were made."""
        return sum(len(one.written) for one in self.accounts)

    @property
    def interrupted(self) -> bool:
        """Tell whether it was asked to stop."""
        return self.unbegun > 0 or any(one.interrupted for one in self.accounts)

    @property
    def in_part(self) -> bool:
        """Tell whether something that should have been put right was not."""
        return any(one.failed for one in self.accounts)


def verify(inventory: Inventory, stored: StoredPlan, eyes: Eyes, tools: VerifyTools) -> Verified:
    """Compare what was seen with plan and journal.

    Writes to the journal who is deadlocked, and whose enforcement is another than was known; nothing else.
    """
    progress = replay(tools.journal.records(), eyes.organization_id)
    words = merged(progress.releases.words, tools.marker.words())
    planned = {part.account_id: part for part in stored.accounts()}
    now = tools.clock.now()
    statuses = Statuses(stored.header, progress, now)
    drifts: list[Drift] = []
    expected = in_fact = 0
    for observed in inventory.observed:
        sight = eyes.sight(observed, progress, words, tools.clock)
        drifts += drift_of(sight, planned.get(observed.account.id))
        looked = tuple(_looked(sight, planned.get(observed.account.id), statuses))
        expected += sum(
            user.id in progress.placed and not sight.is_let_out(user) for user in sight.facts.users
        )
        in_fact += sum(after.enforced for _, after in looked)
        _note((*_deadlocks(sight, drifts, eyes), *_differences(looked, eyes, now)), tools)
    left_out = {left.account_id for left in stored.header.left_out}
    drifts += about_accounts(inventory.accounts, planned, left_out)
    order = list(Drifted)
    drifts.sort(key=lambda drift: (order.index(drift.kind), drift.account_id, drift.who))
    let_out = tuple(say(word) for word in lasting(words, now))
    unreachable = tuple((view.account.id, view.reason) for view in inventory.unreachable)
    return Verified(tuple(drifts), let_out, Enforced(expected, in_fact), len(inventory.observed), unreachable)


def fix(order: FixOrder, inventory: Inventory, eyes: Eyes, tools: RepairTools) -> Fixed:
    """Put right what the plan decided, in every account that was read. Raises PlanRefused, LockHeld."""
    _check(order)
    decided = {
        entry.user.id
        for part in order.plan.accounts()
        for entry in part.entries
        if entry.verdict is Kind.ENFORCE
    }
    accounts = [observed.account for observed in inventory.observed]
    with tools.lock.hold(eyes.organization_id, FIXING):
        now, header = tools.clock.now(), order.plan.header
        tools.journal.append(
            RunStarted(
                eyes.run,
                now,
                eyes.organization_id,
                header.id,
                "",
                Stage.ENFORCE,
                order.caller,
                order.version,
                FIXING,
            )
        )
        maker = Maker(eyes.run, tools.journal, tools.clock, Numbering())
        done = sorted(
            repair(
                accounts,
                lambda sight: to_fix(sight, decided, memberships=order.memberships),
                eyes,
                tools,
                maker,
                "Putting right in accounts",
            ),
            key=lambda one: one.account.id,
        )
        result = Fixed(tuple(done), len(accounts) - len(done))
        lost = any(one.lost for one in done)
        ending = word_for(lost=lost, interrupted=result.interrupted, in_part=result.in_part)
        tools.journal.append(RunEnded(eyes.run, tools.clock.now(), ending, {"writes": result.writes}))
    if lost:
        raise lock_lost(tools.lock, eyes.organization_id)
    return result


def _check(order: FixOrder) -> None:
    digests = order.plan.header.digests
    if (digests.policy, digests.settings) != (order.policy, order.settings):
        raise PlanRefused(
            f"rollout.yaml has changed since plan {order.plan.header.id} was made: what it decided no longer holds",
            cure="plan again and have it reviewed; rollout verify without --fix works all the same",
        )


def _looked(
    sight: Sight, part: AccountPlan | None, statuses: Statuses
) -> Iterator[tuple[UserStatus, UserStatus]]:
    """Say of everybody of the account, the plan and the journal where they stood, and where they stand by the look."""
    entries = {entry.user.id: entry for entry in part.entries} if part else {}
    found = {user.id: seen(sight, user) for user in sight.facts.users}
    known = {entry.user.id: entry.user for entry in entries.values()}
    known |= {one.user.id: one.user for one in sight.progress.known.get(sight.account_id, {}).values()}
    known |= {one.user.id: one.user for one in found.values()}
    for user_id, ref in known.items():
        now = found.get(user_id, KnownEnforcement(ref, sight.now, Enforcement.GONE))
        entry = entries.get(user_id)
        yield statuses.of(ref, entry), statuses.of(ref, entry, now)


def _differences(
    looked: Iterable[tuple[UserStatus, UserStatus]], eyes: Eyes, now: datetime
) -> Iterator[Record]:
    """Put on record whose enforcement is another than plan and journal say: every command goes by it from now on."""
    for before, after in looked:
        same = before.enforcement is after.enforcement or {before.enforcement, after.enforcement} <= NOT_OURS
        if not same:
            by, wave = after.by, after.enforced_in
            yield EnforcementSeen(
                eyes.run, now, eyes.organization_id, after.user, wave, after.enforcement, by
            )


def _deadlocks(sight: Sight, drifts: Sequence[Drift], eyes: Eyes) -> Iterator[Record]:
    """Put on record who is deadlocked, and who is so no more: waves soak anew, and count them as failures."""
    known = sight.progress.releases.trapped
    found = {drift.who: drift.text for drift in drifts if drift.kind is Drifted.DEADLOCK}
    for user in sight.facts.users:
        if (user.arn in found) == (user.id in known) or user.id not in sight.progress.placed:
            continue
        ref = UserRef(user.account_id, user.name, user.id, user.arn)
        detail, wave = found.get(user.arn, "can get in again"), sight.wave_of(user)
        over = user.arn not in found
        yield Deadlocked(eyes.run, sight.now, eyes.organization_id, ref, wave, detail, over=over)


def _note(records: tuple[Record, ...], tools: VerifyTools) -> None:
    if not records:
        return
    try:
        tools.journal.append(*records)
    except Unwritable as problem:
        tools.progress.say(f"Not on record: {problem}")
