"""A small organization for the model: its people, its helpdesk, and what is true in it, told from AWS alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from rollout.domain.gates.readiness import GOES_STALE_AFTER
from rollout.domain.people.observations import ManagedPolicy, PolicyVersion
from rollout.domain.people.organization import user_arn
from rollout.domain.people.users import User
from rollout.domain.policy.brake import number_of
from rollout.domain.policy.changes import Change, SetDefaultVersion, user_of
from rollout.domain.policy.effects import after
from rollout.domain.progress.messages import Line
from rollout.domain.verdicts.passwords import first_use_doubtful
from rollout.domain.verdicts.verdict import Impact
from rollout.workflows.ports import WriteReceipt
from tests.builders import ACCOUNT, a_device, a_key, a_user, an_id
from tests.fakes import FakeAccount
from tests.workflows.world import LEAD_TIME, World, a_cli_user, a_person, an_enroller, is_denied_without_mfa

Changed = TypeVar("Changed", bound=Change)

OTHER = "222233334444"
CANARY, REST = "canary", "rest"
ONLY_S3 = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
REPORT_LIVES = timedelta(hours=4)
"""See aws-facts.md#inventory-calls."""
KEYS_IN_USE = timedelta(days=90)


def boundary_arn(account_id: str) -> str:
    return f"arn:aws:iam::{account_id}:policy/OnlyS3"


class AccountByName(FakeAccount):
    """An account as IAM really is: a call about a user names the user, and reaches whoever has that name now."""

    namesakes: tuple[Change, ...] = ()
    """Every write that reached another user than the one it was meant for."""
    reported: tuple[datetime, dict[str, User]]
    """When the credential report was made, and its rows by ARN."""

    def renew_report(self) -> None:
        """Make the credential report anew where it is older than four hours."""
        now = self._clock.now()
        if not hasattr(self, "reported") or now - self.reported[0] >= REPORT_LIVES:
            self.reported = (now, {user.arn: user for user in self.facts.users})
            self.facts = replace(self.facts, report_at=now)
        self.report = self._as_read

    def _as_read(self, user: User) -> User:
        """Read as `BulkReading` does: virtual devices live, the rest from the report where it has this user."""
        at, rows = self.reported
        row = rows.get(user.arn)
        if row is None or row.id != user.id:
            return replace(user, facts_at=self._clock.now())
        active = row.mfa_active or bool(user.devices)
        seen = replace(
            user,
            facts_at=at,
            password=row.password and replace(row.password, reset_required=None),
            mfa_active=active,
            devices=user.devices if user.devices or not active else None,
            keys=row.keys,
        )
        if seen.devices is None and seen.active_keys:
            seen = replace(seen, devices=user.devices)
        return replace(seen, password=user.password) if first_use_doubtful(seen) else seen

    def make(self, change: Change) -> WriteReceipt:
        """Make one change, and remember it where it reached somebody else of the same name."""
        meant = user_of(change)
        there = self.user_named(meant.name) if meant else None
        if meant and there and there.id != meant.id:
            self.namesakes = (*self.namesakes, change)
        return super().make(change)


@dataclass
class TheOrganization:
    """Seven users in two accounts, a machine among them, and what people and the helpdesk do to them."""

    world: World = field(
        default_factory=lambda: World(
            a_person("alice"),
            a_cli_user("carl"),
            an_enroller("erin"),
            an_enroller("abel", helped=False),
            a_person("mach", password=False, mfa=None, keys=1),
            a_person("olga", account_id=OTHER),
            an_enroller("omar", helped=False, account_id=OTHER),
            canary=["alice", "erin", "olga"],
            facts={
                account_id: {
                    "policies": [
                        ManagedPolicy(
                            boundary_arn(account_id),
                            "OnlyS3",
                            "/",
                            (PolicyVersion("v1", ONLY_S3, is_default=True),),
                        )
                    ]
                }
                for account_id in (ACCOUNT, OTHER)
            },
        )
    )
    born: int = 0

    def __post_init__(self) -> None:
        """Let AWS go by names, as it does."""
        world = self.world
        for account_id, account in world.accounts.items():
            world.accounts[account_id] = AccountByName(account.account, account.facts, world.clock)
        self._renew_reports()

    # --- What is true ---

    @property
    def accounts(self) -> Iterator[AccountByName]:
        for account in self.world.accounts.values():
            assert isinstance(account, AccountByName)
            yield account

    @property
    def users(self) -> list[User]:
        return [user for account in self.accounts for user in account.facts.users]

    def account_of(self, user: User) -> AccountByName:
        return next(account for account in self.accounts if account.account.id == user.account_id)

    @property
    def names(self) -> dict[str, str]:
        """Names by UserId."""
        return {user.id: user.name for user in self.users}

    @property
    def denied(self) -> frozenset[str]:
        """UserIds of those who can do nothing without MFA."""
        return frozenset(
            user.id
            for account in self.accounts
            for user in account.facts.users
            if is_denied_without_mfa(user, account.facts)
        )

    @property
    def locked_out(self) -> frozenset[str]:
        """UserIds of those who can neither work nor enrol: machines too, for they have no device to ask for."""
        denied = self.denied
        return frozenset(user.id for user in self.users if user.id in denied and not _can_enter(user))

    def impact(self, user: User) -> Impact:
        """What coming under the policy means to a user at this moment."""
        keys = [key for key in user.active_keys if key.in_use(self.world.clock.now(), KEYS_IN_USE.days)]
        if user.password is None and not user.active_keys:
            return Impact.NONE
        if not user.devices:
            return Impact.ENROL
        return Impact.CLI if keys else Impact.NONE

    # --- What people and the helpdesk do ---

    def time_passes(self, by: timedelta) -> None:
        """Let time pass; whoever still can goes on signing in and using keys."""
        self.world.clock.advance(by)
        now, denied = self.world.clock.now(), self.denied
        for user in self.users:
            if user.id in denied and not user.devices:
                continue
            keys = tuple(replace(key, last_used=now) if key.active else key for key in user.keys)
            password = user.password
            if password is not None and not password.reset_required:
                password = replace(password, last_used=now)
            self._put(replace(user, keys=keys, password=password))
        self._renew_reports()

    def enrols(self, user: User) -> None:
        self._put(replace(user, devices=(a_device("totp", user.name, user.account_id),), mfa_active=True))

    def loses_device(self, user: User) -> None:
        """Lose the phone, and have the helpdesk delete it."""
        self._put(replace(user, devices=(), mfa_active=False))

    def password_is_reset(self, user: User) -> None:
        assert user.password
        now = self.world.clock.now()
        self._put(replace(user, password=replace(user.password, last_changed=now, reset_required=True)))

    def password_is_changed(self, user: User) -> None:
        assert user.password
        now = self.world.clock.now()
        password = replace(user.password, last_changed=now, last_used=now, reset_required=False)
        self._put(replace(user, password=password))

    def makes_key(self, user: User) -> None:
        key = a_key(created_days_ago=0, now=self.world.clock.now())
        self._put(replace(user, keys=(key,)))

    def is_given_to_somebody_else(self, user: User) -> None:
        """Give the user to another person, at another address."""
        self.born += 1
        self._put(replace(user, tags={"email": f"owner{self.born}@example.com"}))

    def boundary_is_put_on(self, user: User) -> None:
        self._put(replace(user, boundary_arn=boundary_arn(user.account_id)))

    def boundary_is_taken_off(self, user: User) -> None:
        self._put(replace(user, boundary_arn=None))

    def is_removed_by_hand(self, user: User, group: str) -> None:
        self._put(replace(user, groups=tuple(name for name in user.groups if name != group)))

    def is_put_in_by_hand(self, user: User, group: str) -> None:
        self._put(replace(user, groups=(*user.groups, group)))

    def brake_is_let_go_by_hand(self, account: AccountByName) -> None:
        """Put the newest version of the policy in force, which denies where the tool has written it."""
        for policy in account.facts.policies.values():
            if policy.name == "ForceMFA":
                newest = max(policy.versions, key=number_of)
                account.facts = after(
                    account.facts, SetDefaultVersion(account.account.id, policy.arn, newest.id)
                )

    def is_renamed(self, user: User) -> None:
        self.world.accounts[user.account_id].remove(user.name)
        self.born += 1
        name = f"{user.name.rstrip('0123456789')}{self.born}"
        self._put(replace(user, name=name, arn=user_arn("aws", user.account_id, "/", name)))

    def is_made_anew(self, user: User, *, as_machine: bool) -> User:
        """Delete the user, and make another one of that name."""
        self.world.accounts[user.account_id].remove(user.name)
        self.born += 1
        new = a_user(
            user.name,
            account_id=user.account_id,
            id=an_id(user.id, str(self.born)),
            created=self.world.clock.now(),
            tags=user.tags,
            mfa=None,
            password=not as_machine,
            keys=int(as_machine),
            used_days_ago=0,
            keys_created_days_ago=0,
            signed_in_days_ago=0,
            password_set_days_ago=1,
            now=self.world.clock.now(),
        )
        self._put(new)
        return new

    def _put(self, user: User) -> None:
        self.world.accounts[user.account_id].put(user)

    def _renew_reports(self) -> None:
        for account in self.accounts:
            account.renew_report()


def _can_enter(user: User) -> bool:
    """Tell whether somebody under the policy can work, or enrol a device first."""
    if user.password is None:
        return not user.active_keys
    if user.devices:
        return True
    return not user.password.reset_required and user.boundary_arn is None


@dataclass(frozen=True)
class Heard:
    """What somebody was told, when, and at which address."""

    at: datetime
    address: str
    line: Line

    def suffices(self, user: User, impact: Impact) -> bool:
        """Tell whether nothing worse happens than what was told, and to nobody else."""
        return user.tags["email"] == self.address and not impact.worse_than(self.line.impact)

    def is_ripe(self, now: datetime) -> bool:
        """Tell whether the day told has come, and is not long past."""
        due = self.line.due
        return max(self.at + LEAD_TIME, due) <= now <= due + GOES_STALE_AFTER


@dataclass
class LetOut:
    """A release as whoever gave it meant it: these UserIds, or everybody in these accounts, until then."""

    ids: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    until: datetime | None = None
    by_hand: bool = False

    def reaches(self, user: User, now: datetime) -> bool:
        """Tell whether it lets the user out now."""
        lives = self.until is None or now < self.until
        return lives and (user.id in self.ids or user.account_id in self.accounts)
