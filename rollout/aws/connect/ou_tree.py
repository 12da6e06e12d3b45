"""Finds where each account hangs: the ids on its way from the root, and the names of its OUs.

See aws-facts.md#organizations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import AccountTypeDef, RootTypeDef


class Tree:
    """The roots and OUs, as far as the accounts need them.

    `Paths` of `ListAccounts` gives the ids of every account's OUs at no cost; then only the children of OUs on such a
    way are listed, for their names. Where an endpoint does not offer `Paths`, the tree is walked by
    `ListAccountsForParent`.
    """

    def __init__(self, calls: Calls, client: OrganizationsClient) -> None:
        """Ask nothing yet."""
        self._calls = calls
        self._client = client
        self.roots: Sequence[RootTypeDef] = ()
        self._names: dict[str, str] = {}
        self._ways: dict[str, tuple[str, ...]] = {}

    def place(self, accounts: Sequence[AccountTypeDef]) -> None:
        """Find the way to every account. Raises CallFailed."""
        pages = self._calls.pages(self._client.list_roots, "NextToken")
        self.roots = [root for page in pages for root in page["Roots"]]
        for account in accounts:
            ids = way_in(account.get("Paths") or ())
            if ids:
                self._ways[account["Id"]] = ids
        missing = {account["Id"] for account in accounts} - self._ways.keys()
        if missing:
            self._walk(missing)
        else:
            self._name(self._ways.values())

    def way_to(self, account_id: str) -> tuple[str, ...]:
        """The ids from the root to the account, both with it: root, OUs, account."""
        return (*self._ways[account_id], account_id)

    def ou_path(self, account_id: str) -> str:
        """The names of the OUs, `Workloads/Prod`; "" when the account hangs at the root."""
        return "/".join(self._names[ou] for ou in self._ways[account_id][1:])

    def _walk(self, wanted: set[str]) -> None:
        waiting: list[tuple[str, ...]] = [(root["Id"],) for root in self.roots]
        while waiting:
            way = waiting.pop()
            for account in self._accounts_under(way[-1]):
                self._ways[account] = way
            waiting += [(*way, ou) for ou in self._ous_under(way[-1])]
        lost = sorted(wanted - self._ways.keys())
        if lost:
            # Moved while we walked, at the worst: whoever runs again will find it.
            raise CallFailed(
                "ListAccountsForParent",
                "",
                Fault.PERMANENT,
                "AccountsNotPlaced",
                f"{len(lost)} accounts hang under no OU that could be listed: {', '.join(lost[:5])}",
            )

    def _name(self, ways: Iterable[tuple[str, ...]]) -> None:
        unnamed = {ou for way in ways for ou in way[1:]}
        parents = {parent for way in ways for parent, _ in pairwise(way)}
        for parent in sorted(parents):
            self._ous_under(parent)
        for ou in unnamed - self._names.keys():
            # Moved between the two lists; its id is at least true.
            self._names[ou] = ou

    def _ous_under(self, parent: str) -> list[str]:
        listing = self._client.list_organizational_units_for_parent
        found = [
            ou
            for page in self._calls.pages(listing, "NextToken", ParentId=parent)
            for ou in page["OrganizationalUnits"]
        ]
        self._names |= {ou["Id"]: ou["Name"] for ou in found}
        return [ou["Id"] for ou in found]

    def _accounts_under(self, parent: str) -> list[str]:
        pages = self._calls.pages(self._client.list_accounts_for_parent, "NextToken", ParentId=parent)
        return [account["Id"] for page in pages for account in page["Accounts"]]


def way_in(paths: Sequence[str]) -> tuple[str, ...]:
    """Read `o-…/r-…/ou-…/<account-id>/`: the ids from the root to the last OU; () where there is no such path."""
    for path in paths:
        ids = tuple(part for part in path.split("/") if part.startswith(("r-", "ou-")))
        if ids and ids[0].startswith("r-"):
            return ids
    return ()
