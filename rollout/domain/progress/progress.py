"""Holds where an organization stands, as the journal says; its size goes by people and resources, not by time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.people.users import UserRef
from rollout.domain.policy.made import Made
from rollout.domain.progress.owned import Done, OwnedResources
from rollout.domain.progress.records import (
    AccountFailed,
    Approved,
    Enforcement,
    GateOverridden,
    GateRead,
    Proved,
    Reminded,
    RunEnded,
    RunStarted,
    Sending,
    Told,
    UserSkipped,
)
from rollout.domain.progress.releases import Releases
from rollout.domain.progress.request_counts import describe_requests
from rollout.domain.progress.stages import Stage

RELEASED = frozenset(
    {Enforcement.RELEASED, Enforcement.TAKEN_OUT, Enforcement.BRAKE_PULLED, Enforcement.LET_OUT}
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A user whom this tool put under the policy, when, and in which wave."""

    at: datetime
    wave: str
    by: str
    user: UserRef


@dataclass(frozen=True, slots=True)
class KnownEnforcement:
    """What the journal last learned about a user's enforcement, when, and from a run of which plan.

    `by` names what enforces or did so until then; it is empty if this tool never put anything on the user.
    """

    user: UserRef
    at: datetime
    enforcement: Enforcement
    wave: str = ""
    by: str = ""
    plan_id: str = ""

    @property
    def released(self) -> bool:
        """Tell whether the user was enforced by this tool and is let out now, by a release or by hand."""
        return self.enforcement in RELEASED and bool(self.by)


@dataclass(frozen=True, slots=True)
class LastGateRead:
    """A gate's last answer to a run, and since when its answer has been the same."""

    read: GateRead
    since: datetime


@dataclass(slots=True)
class Progress:
    """Everything that the journal says about one organization and that decides something.

    Rehearsals never change `known`. What reports tell beyond it is in `History`.
    """

    runs: dict[str, RunStarted] = field(default_factory=dict)
    ended: dict[str, RunEnded] = field(default_factory=dict)
    unsettled: dict[tuple[str, int], Done] = field(default_factory=dict)
    """By run and number: the intents without an outcome."""
    impossible: set[tuple[str, str, str]] = field(default_factory=set)
    """Changes on record that this tool cannot have made: their account, what they are about, and why."""
    owned: OwnedResources = field(default_factory=OwnedResources)
    notices: dict[str, Told] = field(default_factory=dict)
    """By UserId: the newest notice, delivered or not."""
    in_doubt: dict[str, Sending] = field(default_factory=dict)
    """By UserId: messages of which nobody knows whether they were sent, for the run died while it handed them over."""
    waves_told: set[str] = field(default_factory=set)
    """Every wave of which somebody was ever notified."""
    reminded: dict[str, list[Reminded]] = field(default_factory=dict)
    """By UserId: the reminders since the newest notice."""
    carried: dict[tuple[Stage, str], datetime] = field(default_factory=dict)
    carried_by: dict[tuple[Stage, str], str] = field(default_factory=dict)
    """ARNs of those whose run carried a wave to a stage."""
    undone: dict[str, datetime] = field(default_factory=dict)
    """By wave: when it was last rolled back."""
    rolled_back: dict[str, datetime] = field(default_factory=dict)
    """By wave: when a rollback last let one of its users go."""
    rehearsed: dict[str, datetime] = field(default_factory=dict)
    placed: dict[str, Placed] = field(default_factory=dict)
    last_change: dict[str, Done] = field(default_factory=dict)
    """By UserId: the newest change that a run other than a rehearsal tried, if it is open or failed."""
    last_skip: dict[str, UserSkipped] = field(default_factory=dict)
    last_failure: dict[str, AccountFailed] = field(default_factory=dict)
    """By account: the newest failure to enter it, rehearsals apart."""
    known: dict[str, dict[str, KnownEnforcement]] = field(default_factory=dict)
    """By account and UserId; ask `enforcement_of`."""
    left_alone_until: dict[str, datetime] = field(default_factory=dict)
    """By UserId: when the user was last taken out for good, or seen exempt, excluded or as an emergency user."""
    failing: dict[str, str] = field(default_factory=dict)
    """By UserId: the wave of a user for whom something failed and has not succeeded since."""
    made: dict[str, Made] = field(default_factory=dict)
    """By account; ask `made_in`."""
    policy_on: dict[tuple[str, str], str] = field(default_factory=dict)
    """By account and group: the name of the policy that a run attached to it, or found there."""
    accounts_tried: set[str] = field(default_factory=set)
    """The accounts in which a run ever began to change anything."""
    gates: dict[tuple[str, str], LastGateRead] = field(default_factory=dict)
    """By wave and gate."""
    overrides: list[GateOverridden] = field(default_factory=list)
    approvals: dict[tuple[str, str], list[Approved]] = field(default_factory=dict)
    """By plan checksum and wave, whether they count or not."""
    releases: Releases = field(default_factory=Releases)
    proofs: list[Proved] = field(default_factory=list)
    """Oldest first."""
    proofs_begun: dict[str, str] = field(default_factory=dict)
    """By the id of a proof: the account in which something of it may still stand."""

    @property
    def last_requests(self) -> tuple[RunStarted, str] | None:
        """Say what the newest run that has ended asked of AWS; None where no run says so."""
        for run, ended in reversed(self.ended.items()):
            if ended.requests:
                return self.runs[run], describe_requests(ended.requests)
        return None

    @property
    def open(self) -> tuple[Done, ...]:
        """Intents without an outcome: the run crashed between the write and its record."""
        return tuple(self.unsettled.values())

    @property
    def accounts_known(self) -> frozenset[str]:
        """The accounts about which, or about a user of which, anything was ever learned or tried."""
        told = (notice.user.account_id for notice in self.notices.values())
        skipped = (skip.user.account_id for skip in self.last_skip.values())
        return frozenset({*self.known, *self.accounts_tried, *self.last_failure, *told, *skipped})

    def made_in(self, account_id: str) -> Made:
        """Give what this tool made in an account, whatever rollout.yaml calls it now."""
        return self.made.get(account_id) or Made()

    def latest_notice(self, user_id: str) -> Told | None:
        """Give the newest notice about a user, delivered or not; None if there is none."""
        return self.notices.get(user_id)

    def enforcement_of(self, account_id: str, user_id: str) -> KnownEnforcement | None:
        """Give what the journal last learned about a user, brakes included; None if nothing."""
        known = self.known.get(account_id, {}).get(user_id)
        return self.braked(known) if known else None

    def proof_of(self, policy: str, partition: str) -> Proved | None:
        """Give the newest proof of exactly this policy, by its digest; None if there is none."""
        about = (one for one in reversed(self.proofs) if (one.policy, one.partition) == (policy, partition))
        return next(about, None)

    def enforced_in(self, account_id: str) -> int:
        """Count the users of an account who are under the policy, as far as the journal knows."""
        known = (self.braked(one) for one in self.known.get(account_id, {}).values())
        return sum(one.enforcement is Enforcement.ENFORCED for one in known)

    def braked(self, known: KnownEnforcement) -> KnownEnforcement:
        """Apply the brake of the user's account if it was pulled after the user was enforced."""
        pulled = self.releases.braked_at.get(known.user.account_id)
        if pulled is None or pulled < known.at or known.enforcement is not Enforcement.ENFORCED:
            return known
        return replace(known, at=pulled, enforcement=Enforcement.BRAKE_PULLED)

    def failed_users(self, wave: str) -> frozenset[str]:
        """Give the UserIds of a wave's users whose last change failed, or who are released or deadlocked now."""
        deadlocked = {user_id for user_id, found in self.releases.deadlocked.items() if found.wave == wave}
        released = {
            user_id
            for users in self.known.values()
            for user_id, known in users.items()
            if known.wave == wave and self.braked(known).released
        }
        return self._failing(wave) | released | deadlocked

    def held_against(self, wave: str) -> frozenset[str]:
        """Give the UserIds whose failures keep a run from going over the wave.

        Once the wave has been carried, released and deadlocked users do not count: they may come back.
        """
        carried = (Stage.ENFORCE, wave) in self.carried
        return self._failing(wave) if carried else self.failed_users(wave)

    def _failing(self, wave: str) -> frozenset[str]:
        return frozenset(user_id for user_id, where in self.failing.items() if where == wave)
