"""Reads the organization: its accounts with their OU paths, and the service control policies.

See aws-facts.md#organizations.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from rollout.aws.connect.identity import WhoAmI
from rollout.aws.connect.ou_tree import OuTree
from rollout.aws.read.control_policies import ControlPolicies
from rollout.awsapi.attempts import CallCounts
from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.endpoints import date_of
from rollout.awsapi.failures import CallFailed, fatal_error_of
from rollout.awsapi.faults import Fault
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.awsapi.side_by_side import both, side_by_side
from rollout.domain.people.organization import Account, AccountState, Caller, Organization
from rollout.domain.people.users import Unread
from rollout.errors import AwsFailure, OrganizationNotListable, RolloutError
from rollout.workflows.ports import PolicyLevels

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import AccountTypeDef

CURE = (
    "use credentials of the management account or of a delegated administrator that may call "
    "organizations:DescribeOrganization, ListAccounts, ListRoots and ListOrganizationalUnitsForParent"
)
NEW_FOR = timedelta(days=1)


class AwsOrganization:
    """Implements `OrganizationPort` with the caller's own credentials; works for a delegated administrator too.

    `with_tags` reads the tags of every account; that takes one call per account, so set it only for selectors by tag.
    With `any_state`, an account whose state this version does not know counts as active, and is noted in `doubtful`.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        with_tags: bool = False,
        any_state: bool = False,
        retries: Retries | None = None,
        who: WhoAmI | None = None,
    ) -> None:
        """Keep the arguments; make no call yet."""
        retries = retries or Retries()
        self._connection = connection
        self._with_tags, self._any_state = with_tags, any_state
        self._who = who or WhoAmI(connection, retries)
        self._calls = Calls("", CallerIdentity(), retries, retries.pace())
        self._creating = threading.Lock()
        self._new: frozenset[str] = frozenset()
        self.doubtful: list[str] = []
        """What is wrong with the accounts whose state is not known."""
        self._tree: OuTree | None = None

    @cached_property
    def _client(self) -> OrganizationsClient:
        return self._connection.organizations()

    @property
    def tally(self) -> CallCounts:
        """The number of calls and retries."""
        return self._calls.tally

    def caller(self) -> Caller:
        """Call `GetCallerIdentity`. Raises NoCredentials, ExpiredCredentials, AwsFailure."""
        return self._who.caller()

    def organization(self) -> Organization:
        """Call `DescribeOrganization`. Raises OrganizationNotListable, NoCredentials, ExpiredCredentials."""
        try:
            asked = self._client.describe_organization
            caller, answer = both(self.caller, lambda: self._calls.read(asked))
        except CallFailed as failed:
            raise _not_listable(failed) from failed
        found = answer["Organization"]
        return Organization(found["Id"], found["MasterAccountId"], caller.partition)

    def accounts(self) -> Sequence[Account]:
        """List every account, sorted by account ID.

        Raises OrganizationNotListable, and AwsFailure when an account has neither a known `State` nor `Status`.
        """
        try:
            tree = OuTree(self._calls, self._client)
            (listed, now), _ = both(self._listed, tree.find_roots)
            tree.place(listed)
            self._tree = tree
            accounts = side_by_side(lambda found: self._account(found, tree), listed)
        except CallFailed as failed:
            raise _not_listable(failed) from failed
        if now:
            self._new = frozenset(
                found["Id"]
                for found in listed
                if "JoinedTimestamp" in found and now - found["JoinedTimestamp"] < NEW_FOR
            )
        return sorted(accounts, key=lambda account: account.id)

    def remember_new(self, accounts: frozenset[str]) -> None:
        """Take the accounts that joined within the last day from where they were listed."""
        self._new = accounts

    def is_new(self, account: Account) -> bool:
        """Tell whether the account joined within the last day, so that its roles may not exist yet.

        See aws-facts.md#errors-and-retries.
        """
        return account.id in self._new

    def policy_levels(self, accounts: Sequence[Account]) -> PolicyLevels | Unread:
        """Read the SCPs that apply to each account, policy by policy; Unread says why they could not be read.

        No SCP applies to the management account, or to any account while the organization has SCPs disabled.
        """
        try:
            tree = self._tree or self._fresh_tree()
            found = ControlPolicies(self._calls, self._client).read(tree.roots)
            if found is None:
                return PolicyLevels({account.id: () for account in accounts})
            management = self.organization().management_account_id
            return PolicyLevels(
                {
                    account.id: () if account.id == management else found.levels(tree.path_to(account.id))
                    for account in accounts
                }
            )
        except CallFailed as failed:
            return Unread("service control policies", failed.short)
        except OrganizationNotListable as refused:
            return Unread("service control policies", str(refused))

    def _fresh_tree(self) -> OuTree:
        self.accounts()
        if self._tree is None:
            raise OrganizationNotListable("the accounts were not listed")
        return self._tree

    def _listed(self) -> tuple[list[AccountTypeDef], datetime | None]:
        pages = list(self._calls.pages(self._client.list_accounts, "NextToken"))
        now = date_of(pages[0]["ResponseMetadata"].get("HTTPHeaders", {}).get("date"))
        # An account that moves while we list may appear on two pages; count it once.
        return list({found["Id"]: found for page in pages for found in page["Accounts"]}.values()), now

    def _account(self, found: AccountTypeDef, tree: OuTree) -> Account:
        return Account(
            id=found["Id"],
            name=found.get("Name", ""),
            email=found.get("Email", ""),
            state=self._state(found),
            ou=tree.ou_path(found["Id"]),
            tags=self._tags(found["Id"]) if self._with_tags else {},
        )

    def _state(self, found: AccountTypeDef) -> AccountState:
        try:
            return state_of(found)
        except AwsFailure as problem:
            if not self._any_state:
                raise
            self.doubtful.append(str(problem))
            return AccountState.ACTIVE

    def _tags(self, account_id: str) -> dict[str, str]:
        listing = self._client.list_tags_for_resource
        pages = self._calls.pages(listing, "NextToken", ResourceId=account_id)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def state_of(found: AccountTypeDef) -> AccountState:
    """Read `State`, or the retired `Status` if it is missing (aws-facts.md#organizations). Raises AwsFailure.

    Where only `Status` is available, a closed account appears as SUSPENDED, which `rollout` leaves alone too.
    """
    word = found.get("State") or found.get("Status")
    try:
        return AccountState(str(word))
    except ValueError:
        said = f"the unknown state {word!r}" if word else "neither State nor Status"
        raise AwsFailure(
            f"account {found['Id']} has {said}, so rollout cannot tell whether it is active",
            cure="update rollout; if that does not help, report this error",
        ) from None


def _not_listable(failed: CallFailed) -> RolloutError:
    if failed.code == "AWSOrganizationsNotInUseException":
        return OrganizationNotListable(
            f"the caller's account does not belong to an organization ({failed.short})",
            cure="use credentials of the management account",
        )
    if failed.fault is Fault.DENIED or failed.code == "AccountNotFoundException":
        return OrganizationNotListable(f"the organization cannot be listed: {failed.sentence}", cure=CURE)
    return fatal_error_of(failed)
