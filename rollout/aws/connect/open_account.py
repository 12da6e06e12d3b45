"""Reads and changes one account that has been entered; implements `OpenAccount`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from rollout.aws.read.bulk_reading import AccountReading
from rollout.aws.read.key_trail import KeyTrail
from rollout.aws.read.live_pages import LivePages
from rollout.aws.read.live_user import LiveUsers
from rollout.aws.read.managed_boundaries import ManagedBoundaries
from rollout.aws.write.confirmation import LiveConfirmation
from rollout.aws.write.writer import AwsAccountWriter
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.domain.people.observations import AccountFacts, ManagedPolicy
from rollout.domain.people.organization import Account
from rollout.domain.people.sign_in import ConsoleAuthorization
from rollout.domain.people.users import Credential, User, UserRef
from rollout.domain.policy.changes import Change
from rollout.workflows.ports import CannotEnter, Clock, LivePage, WriteReceipt

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class AwsAccount:
    """One AWS account; safe to share between threads.

    Every method may also raise NoCredentials, ExpiredCredentials and AwsFailure, when no further call can succeed.
    """

    def __init__(  # noqa: PLR0913 - what the door fills in, once
        self,
        account: Account,
        role: str,
        calls: Calls,
        client: IAMClient,
        clock: Clock,
        boundaries: ManagedBoundaries | None = None,
        sign_in: Callable[[], ConsoleAuthorization] | None = None,
        *,
        trail: Callable[[], KeyTrail] | None = None,
    ) -> None:
        """Keep the arguments; make no call yet. `boundaries` is shared between accounts.

        `sign_in` reads the account's console authorization; without it, nobody asks. `trail` begins a look at what
        access keys call; None: nobody looks.
        """
        self.account = account
        self._role = role
        self._calls = calls
        self._client = client
        self._clock = clock
        self._boundaries = boundaries or ManagedBoundaries()
        self._sign_in = sign_in
        self._trail = trail
        self._pages = LivePages(calls, client)
        self._effects = LiveConfirmation(calls, client)
        self._writing = AwsAccountWriter(calls, client)

    @property
    def role(self) -> str:
        """The role that was assumed, or "own credentials"."""
        return self._role

    def read(self) -> AccountFacts:
        """Read the account with the bulk calls of design.md#accounts, and what its access keys call if that is wanted.

        Raises CannotEnter.
        """
        now = self._clock.now()
        reading = AccountReading(
            self._calls, self._client, self.account.id, now, self._boundaries, self._sign_in
        )
        return self._trail().added_to(reading.facts()) if self._trail else reading.facts()

    def credentials_now(self, user: User, only: Collection[Credential] = ()) -> User:
        """Read one user's credentials, boundary, own policies and groups now; the answer is as old as its first call.

        With `only`, just these credentials, for a user of whom all else is known as of `rights_at`. Raises
        Refusal(gone=True) when the user no longer exists.
        """
        live = LiveUsers(self._calls, self._client)
        if only:
            return live.only(user, only, user.rights_at)
        return live.credentials(user, self._clock.now(), rights=True)

    def page_now(self, users: Mapping[str, User], after: str, size: int, *, devices: bool = True) -> LivePage:
        """Read a page of the account's users anew. Raises CannotEnter."""
        try:
            return self._pages.page(users, after, size, self._clock.now(), devices=devices)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def user_named(self, name: str) -> UserRef | None:
        """Find who has this name now, by `GetUser`; None when nobody has. Raises CannotEnter."""
        try:
            return LiveUsers(self._calls, self._client).named(name)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def holds(self, change: Change, *, patiently: bool = False) -> bool:
        """Read whether this change is in effect. Raises CannotEnter."""
        try:
            return self._effects.shows(change) if patiently else self._effects.holds(change)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def make(self, change: Change) -> WriteReceipt:
        """Make the change with one write. Raises AnswerLost, Refusal."""
        return self._writing.make(change)

    def members(self, group: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Return the group's members (`GetGroup`) by UserId, with current names. Raises CannotEnter."""
        try:
            return self._effects.members(group, expecting)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def attached_users(self, policy_arn: str, expecting: frozenset[str] = frozenset()) -> Mapping[str, str]:
        """Return who has the policy attached (`ListEntitiesForPolicy`): UserId and current name.

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

    def policies_at(self, path: str) -> tuple[str, ...]:
        """List the ARNs of the account's own policies right at a path. Raises CannotEnter."""
        try:
            return self._effects.policies_at(path)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def groups_with(self, policy_arn: str) -> tuple[str, ...]:
        """Name the groups that a policy is attached to. Raises CannotEnter."""
        try:
            return self._effects.groups_with(policy_arn)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def policy(self, policy_arn: str) -> ManagedPolicy | None:
        """Read one managed policy with all its versions; None when it does not exist. Raises CannotEnter."""
        try:
            return self._effects.policy(policy_arn)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed
