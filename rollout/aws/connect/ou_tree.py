"""Finds each account's place in the organization: the IDs from the root down to it, and the names of its OUs.

See aws-facts.md#organizations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.side_by_side import both, side_by_side

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import AccountTypeDef, RootTypeDef


class OuTree:
    """The roots and OUs above the accounts.

    `Paths` of `ListAccounts` gives the IDs of every account's OUs at no cost, so that only the OUs on those paths are
    listed, for their names. Where an endpoint does not return `Paths`, the tree is walked with `ListAccountsForParent`.
    """

    def __init__(self, calls: Calls, client: OrganizationsClient) -> None:
        """Keep the arguments; make no call yet."""
        self._calls = calls
        self._client = client
        self.roots: Sequence[RootTypeDef] = ()
        self._names: dict[str, str] = {}
        self._paths: dict[str, tuple[str, ...]] = {}

    def find_roots(self) -> None:
        """List the roots. Raises CallFailed."""
        pages = self._calls.pages(self._client.list_roots, "NextToken")
        self.roots = [root for page in pages for root in page["Roots"]]

    def place(self, accounts: Sequence[AccountTypeDef]) -> None:
        """Find the path to every account, below the roots that were found. Raises CallFailed."""
        for account in accounts:
            ids = ids_on_path(account.get("Paths") or ())
            if ids:
                self._paths[account["Id"]] = ids
        missing = {account["Id"] for account in accounts} - self._paths.keys()
        if missing:
            self._walk(missing)
        else:
            self._name(self._paths.values())

    def path_to(self, account_id: str) -> tuple[str, ...]:
        """Return the IDs from the root to the account, both included: root, OUs, account."""
        return (*self._paths[account_id], account_id)

    def ou_path(self, account_id: str) -> str:
        """Return the names of the OUs, such as `Workloads/Prod`; "" when the account is directly under the root."""
        return "/".join(self._names[ou] for ou in self._paths[account_id][1:])

    def _walk(self, wanted: set[str]) -> None:
        level: list[tuple[str, ...]] = [(root["Id"],) for root in self.roots]
        while level:
            parents = [path[-1] for path in level]
            accounts, ous = both(
                partial(side_by_side, self._accounts_under, parents),
                partial(side_by_side, self._ous_under, parents),
            )
            for path, found in zip(level, accounts, strict=True):
                self._paths |= dict.fromkeys(found, path)
            level = [(*path, ou) for path, found in zip(level, ous, strict=True) for ou in self._named(found)]
        lost = sorted(wanted - self._paths.keys())
        if lost:
            # At worst they moved during the walk; the next run will find them.
            raise CallFailed(
                "ListAccountsForParent",
                "",
                Fault.PERMANENT,
                "AccountsNotPlaced",
                f"accounts under none of the OUs that could be listed ({len(lost)}): {', '.join(lost[:5])}",
            )

    def _name(self, paths: Iterable[tuple[str, ...]]) -> None:
        unnamed = {ou for path in paths for ou in path[1:]}
        parents = {parent for path in paths for parent, _ in pairwise(path)}
        for found in side_by_side(self._ous_under, sorted(parents)):
            self._named(found)
        for ou in unnamed - self._names.keys():
            # The OU moved between the two listings; its ID is still correct.
            self._names[ou] = ou

    def _named(self, ous: dict[str, str]) -> list[str]:
        """Remember the names of OUs, and return their IDs."""
        self._names |= ous
        return list(ous)

    def _ous_under(self, parent: str) -> dict[str, str]:
        listing = self._client.list_organizational_units_for_parent
        pages = self._calls.pages(listing, "NextToken", ParentId=parent)
        return {ou["Id"]: ou["Name"] for page in pages for ou in page["OrganizationalUnits"]}

    def _accounts_under(self, parent: str) -> list[str]:
        pages = self._calls.pages(self._client.list_accounts_for_parent, "NextToken", ParentId=parent)
        return [account["Id"] for page in pages for account in page["Accounts"]]


def ids_on_path(paths: Sequence[str]) -> tuple[str, ...]:
    """Read the IDs from the root to the last OU out of `o-…/r-…/ou-…/<account-id>/`; () without such a path."""
    for path in paths:
        ids = tuple(part for part in path.split("/") if part.startswith(("r-", "ou-")))
        if ids and ids[0].startswith("r-"):
            return ids
    return ()
