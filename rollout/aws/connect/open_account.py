"""One entered account: reads it, asks one user live, makes one change. Fills `OpenAccount`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rollout.aws.read.bulk_reading import Reading
from rollout.aws.read.live_user import LiveUsers
from rollout.aws.write.confirmation import LiveConfirmation
from rollout.aws.write.writer import Writing
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.domain.people.inventory import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account
from rollout.domain.people.users import User
from rollout.domain.policy.changes import Change
from rollout.workflows.ports import CannotEnter, Clock, WriteReceipt

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class AwsAccount:
    """An account of AWS; safe to share between threads.

    Every method may also raise NoCredentials, ExpiredCredentials and AwsFailure, when nothing can be called any more.
    """

    def __init__(self, account: Account, role: str, calls: Calls, client: IAMClient, clock: Clock) -> None:
        """Ask nothing yet."""
        self.account = account
        self._role = role
        self._calls = calls
        self._client = client
        self._clock = clock
        self._effects = LiveConfirmation(calls, client)
        self._writing = Writing(calls, client)

    @property
    def role(self) -> str:
        """The role that let us in, or "own credentials"."""
        return self._role

    def read(self) -> AccountFacts:
        """Read the account by the bulk calls of design.md#accounts. Raises CannotEnter."""
        return Reading(self._calls, self._client, self.account.id, self._clock.now()).facts()

    def credentials_now(self, user: User) -> User:
        """Ask password, devices and keys of one user live. Raises Refusal(gone=True) when the user is no more."""
        return LiveUsers(self._calls, self._client).credentials(user, self._clock.now())

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        """Tell by a live read whether the effect of this change stands. Raises CannotEnter."""
        try:
            return self._effects.shows(change) if patiently else self._effects.holds(change)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def make(self, change: Change) -> WriteReceipt:
        """Make the change: one write. Raises AnswerLost, Refusal."""
        return self._writing.make(change)

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """The group's members by `GetGroup`: UserId and today's name; empty without a group. Raises CannotEnter."""
        try:
            return self._effects.members(group, expecting)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Who carries the policy directly, by `ListEntitiesForPolicy`, as UserId and today's name.

        Raises CannotEnter.
        """
        try:
            return self._effects.attached_users(policy_arn, expecting)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def dependents(self, policy_arn: str) -> tuple[str, ...]:
        """Name the roles that have the policy, and whose boundary it is. Raises CannotEnter."""
        try:
            return self._effects.dependents(policy_arn)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        """Read one managed policy with all its versions; None when there is none. Raises CannotEnter."""
        try:
            return self._effects.policy(policy_arn)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed
