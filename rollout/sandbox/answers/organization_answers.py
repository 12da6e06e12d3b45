"""AWS Organizations as in AWS: with short pages, both State and Status, and access control."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from moto.core.utils import unix_time
from moto.organizations.responses import OrganizationsResponse

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import AnswersFor, marker, marker_position
from rollout.sandbox.world.seed_account import seed_policies_of_aws

if TYPE_CHECKING:
    from moto.organizations.models import FakeAccount, FakeOrganizationalUnit, OrganizationsBackend

_LARGEST_PAGE = 20  # AWS refuses larger pages
_ACCOUNTS_A_PAGE = 5  # AWS may always return fewer than requested; so does the sandbox
_CHILDREN_A_PAGE = 3


class OrganizationAnswers(AnswersFor, OrganizationsResponse):
    """The operations of AWS Organizations."""

    @property
    def organizations_backend(self) -> OrganizationsBackend:
        """The one organization, for all its accounts."""
        return self.world.organizations

    def call_action(self) -> Any:
        """Answer the management account, and read requests of delegated administrators; refuse all others."""
        action, account = self._get_action(), self.caller.account
        delegated = {admin.account.id for admin in self.organizations_backend.admins}
        reads = action.startswith(("Describe", "List"))
        if not (
            action == "DescribeOrganization"
            or account == self.world.management_id
            or (reads and account in delegated)
        ):
            raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.")
        return super().call_action()

    def list_accounts(self) -> str:
        """List accounts in short pages, one of them empty, since only a missing NextToken marks the end."""
        accounts = sorted(self.organizations_backend.accounts, key=lambda one: (one.create_time, one.id))
        start = marker_position(self._get_param("NextToken"))
        if start < 0:  # the second page is empty, but has a token
            return json.dumps({"Accounts": [], "NextToken": marker(-start)})
        end = start + min(self._asked_size(), _ACCOUNTS_A_PAGE)
        answer: dict[str, Any] = {"Accounts": [self._account(one) for one in accounts[start:end]]}
        if end < len(accounts):
            answer["NextToken"] = marker(-end if start == 0 else end)
        return json.dumps(answer)

    def describe_account(self) -> str:
        """Describe one account."""
        found = self.organizations_backend.get_account_by_id(self._get_param("AccountId"))
        return json.dumps({"Account": self._account(found)})

    def create_account(self) -> str:
        """Create an account with an administrator role, as AWS does."""
        answer = super().create_account()
        account_id = json.loads(answer)["CreateAccountStatus"]["AccountId"]
        seed_policies_of_aws(self.world, account_id)
        iam = self.world.iam(account_id)
        for role in iam.roles.values():
            iam.managed_policies["arn:aws:iam::aws:policy/AdministratorAccess"].attach_to(role)
        return answer

    def close_account(self) -> str:
        """Close an account: it remains listed, and its State and Status differ from then on."""
        found = self.organizations_backend.get_account_by_id(self._get_param("AccountId"))
        found.state, found.status = "CLOSED", "SUSPENDED"
        return "{}"

    def list_accounts_for_parent(self) -> str:
        """List the accounts directly under a root or an OU."""
        parent = self.organizations_backend.validate_parent_id(self._get_param("ParentId"))
        accounts = [one for one in self.organizations_backend.accounts if one.parent_id == parent]
        return self._paged("Accounts", accounts, self._account)

    def list_organizational_units_for_parent(self) -> str:
        """List the OUs directly under a root or an OU."""
        parent = self.organizations_backend.validate_parent_id(self._get_param("ParentId"))
        units = [one for one in self.organizations_backend.ou if one.parent_id == parent]
        return self._paged("OrganizationalUnits", units, self._unit)

    def describe_organizational_unit(self) -> str:
        """Describe one OU."""
        wanted = self._get_param("OrganizationalUnitId")
        found = self.organizations_backend.get_organizational_unit_by_id(wanted)
        return json.dumps({"OrganizationalUnit": self._unit(found)})

    def list_children(self) -> str:
        """List the IDs directly under a root or an OU."""
        return self._paged("Children", json.loads(super().list_children())["Children"], dict)

    def list_policies(self) -> str:
        """List the organization's policies of one type."""
        policies = [
            one for one in self.organizations_backend.policies if one.type == self._get_param("Filter")
        ]
        return self._paged("Policies", policies, lambda one: _summary(one.describe()))

    def describe_policy(self) -> str:
        """Return one policy with its document."""
        described = json.loads(super().describe_policy())["Policy"]
        return json.dumps({"Policy": {**described, "PolicySummary": _summary({"Policy": described})}})

    def list_policies_for_target(self) -> str:
        """List the policies of one type that are attached to a root, an OU or an account."""
        backend, target = self.organizations_backend, self._get_param("TargetId")
        holders: list[FakeAccount | FakeOrganizationalUnit] = [*backend.ou, *backend.accounts]
        holder = next((one for one in holders if one.id == target), None)
        if holder is None:
            raise AwsError("TargetNotFoundException", "You specified a target that doesn't exist.")
        policies = [one for one in holder.attached_policies if one.type == self._get_param("Filter")]
        return self._paged("Policies", policies, lambda one: _summary(one.describe()))

    def list_targets_for_policy(self) -> str:
        """List the targets that a policy is attached to."""
        targets = json.loads(super().list_targets_for_policy())["Targets"]
        return self._paged("Targets", targets, dict, most=_ACCOUNTS_A_PAGE)

    def _paged(
        self, key: str, items: Sequence[Any], shown: Callable[[Any], Any], *, most: int = _CHILDREN_A_PAGE
    ) -> str:
        start = marker_position(self._get_param("NextToken"))
        end = start + min(self._asked_size(), most)
        answer: dict[str, Any] = {key: [shown(item) for item in items[start:end]]}
        if end < len(items):
            answer["NextToken"] = marker(end)
        return json.dumps(answer)

    def _asked_size(self) -> int:
        size = int(self._get_param("MaxResults") or _LARGEST_PAGE)
        if not 1 <= size <= _LARGEST_PAGE:
            raise AwsError("InvalidInputException", "You specified an invalid value for MaxResults.")
        return size

    def _account(self, account: FakeAccount) -> dict[str, Any]:
        return {
            "Id": account.id,
            "Arn": account.arn,
            "Email": account.email,
            "Name": account.name,
            "Status": account.status,
            "State": account.state,
            "Paths": [f"{self._path(account.parent_id)}{account.id}/"],
            "JoinedMethod": account.joined_method,
            "JoinedTimestamp": unix_time(account.create_time),
        }

    def _unit(self, unit: FakeOrganizationalUnit) -> dict[str, Any]:
        return {"Id": unit.id, "Arn": unit.arn, "Name": unit.name, "Path": self._path(unit.id)}

    def _path(self, unit_id: str) -> str:
        """Return the path of IDs from the organization to an OU: `o-…/r-…/ou-…/`."""
        units = {unit.id: unit for unit in self.organizations_backend.ou}
        way: list[str] = []
        here: str | None = unit_id
        while here in units:
            way.insert(0, here)
            here = units[here].parent_id
        return "/".join([self.world.ids.organization(), *way, ""])


def _summary(described: dict[str, Any]) -> dict[str, Any]:
    """Summarise a policy, and mark AWS's own policies as managed by AWS."""
    summary = dict(described["Policy"]["PolicySummary"])
    if summary["AwsManaged"]:
        kind = summary["Type"].lower()
        summary["Arn"] = f"arn:aws:organizations::aws:policy/{kind}/{summary['Id']}"
    return summary
