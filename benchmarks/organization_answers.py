"""Answers for the organization: its accounts, OUs and service control policies, of any number of accounts, and STS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from benchmarks.iam_answers import Refused, date
from benchmarks.population import OFFICE, allow, text_of

ORGANIZATION, ROOT = "o-benchmark1", "r-be01"
ROLE = "OrganizationAccountAccessRole"
PAGE = 20
"""Organizations gives so many of anything in an answer, and no more."""
FIRST_ACCOUNT = 100_000_000_000
OUS = {
    # The parent comes before its children.
    "ou-be01-security": ("Security", ROOT),
    "ou-be01-workload": ("Workloads", ROOT),
    "ou-be01-sandbox0": ("Sandbox", ROOT),
    "ou-be01-prod0000": ("Prod", "ou-be01-workload"),
    "ou-be01-dev00000": ("Dev", "ou-be01-workload"),
    "ou-be01-partners": ("Partners", "ou-be01-prod0000"),
}
HOMES = (ROOT, *OUS)


@dataclass(frozen=True)
class Organizations:
    """The organization of so many accounts, of which the first is the management account."""

    accounts: int
    today: datetime
    with_paths: bool = True

    @property
    def management(self) -> str:
        return f"{FIRST_ACCOUNT:012d}"

    @cached_property
    def ids(self) -> Sequence[str]:
        return [f"{FIRST_ACCOUNT + number:012d}" for number in range(self.accounts)]

    def home_of(self, account_id: str) -> str:
        return ROOT if account_id == self.management else HOMES[int(account_id) % len(HOMES)]

    def answer(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of Organizations to its management account. Raises Refused."""
        start, most = int(params.get("NextToken", 0)), min(PAGE, int(params.get("MaxResults", PAGE)))
        match operation:
            case "DescribeOrganization":
                return {"Organization": self._itself()}
            case "ListAccounts":
                return self._page("Accounts", range(self.accounts), start, most)
            case "ListAccountsForParent":
                inside = [
                    number for number, one in enumerate(self.ids) if self.home_of(one) == params["ParentId"]
                ]
                return self._page("Accounts", inside, start, most)
            case "ListRoots":
                types = [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]
                root = {
                    "Id": ROOT,
                    "Name": "Root",
                    "PolicyTypes": types,
                    "Arn": self._arn(f"root/{ORGANIZATION}/{ROOT}"),
                }
                return {"Roots": [root]}
            case "ListOrganizationalUnitsForParent":
                inside_of = [(ou, name) for ou, (name, parent) in OUS.items() if parent == params["ParentId"]]
                return {"OrganizationalUnits": [self._ou(ou, name) for ou, name in inside_of]}
            case "ListParents":
                home = (
                    OUS[params["ChildId"]][1] if params["ChildId"] in OUS else self.home_of(params["ChildId"])
                )
                return {"Parents": [{"Id": home, "Type": "ROOT" if home == ROOT else "ORGANIZATIONAL_UNIT"}]}
            case "DescribeAccount":
                return {"Account": self._account(int(params["AccountId"]) - FIRST_ACCOUNT)}
            case "ListTagsForResource":
                return {"Tags": [{"Key": "owner", "Value": f"team-{int(params['ResourceId'][-3:], 36) % 9}"}]}
            case "ListPolicies":
                scps = params["Filter"] == "SERVICE_CONTROL_POLICY"
                return {"Policies": [self._policy(name) for name in SCPS] if scps else []}
            case "DescribePolicy":
                name = params["PolicyId"].removeprefix("p-")
                return {"Policy": {"PolicySummary": self._policy(name), "Content": text_of(SCPS[name])}}
            case "ListTargetsForPolicy":
                return self._targets(params["PolicyId"].removeprefix("p-"), start, most)
            case _:
                raise Refused("InvalidAction", operation)

    def _page(self, name: str, numbers: Sequence[int], start: int, most: int) -> dict[str, Any]:
        page = {name: [self._account(number) for number in numbers[start : start + most]]}
        return page | ({"NextToken": str(start + most)} if start + most < len(numbers) else {})

    def _itself(self) -> dict[str, Any]:
        return {
            "Id": ORGANIZATION,
            "Arn": self._arn(f"organization/{ORGANIZATION}"),
            "FeatureSet": "ALL",
            "MasterAccountArn": self._arn(f"account/{ORGANIZATION}/{self.management}"),
            "MasterAccountId": self.management,
            "MasterAccountEmail": "management@example.com",
        }

    def _account(self, number: int) -> dict[str, Any]:
        account_id = self.ids[number]
        described = {
            "Id": account_id,
            "Arn": self._arn(f"account/{ORGANIZATION}/{account_id}"),
            "Email": f"account-{number}@example.com",
            "Name": f"account-{number:05d}",
            "Status": "ACTIVE",
            "State": "ACTIVE",
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": (self.today - timedelta(days=1600)).timestamp(),
        }
        return described | ({"Paths": [self._path(account_id)]} if self.with_paths else {})

    def _path(self, account_id: str) -> str:
        above, at = [account_id], self.home_of(account_id)
        while at != ROOT:
            above.append(at)
            at = OUS[at][1]
        return "/".join([ORGANIZATION, ROOT, *reversed(above), ""])

    def _ou(self, ou: str, name: str) -> dict[str, str]:
        return {"Id": ou, "Name": name, "Arn": self._arn(f"ou/{ORGANIZATION}/{ou}")}

    def _policy(self, name: str) -> dict[str, Any]:
        kind = {"Type": "SERVICE_CONTROL_POLICY", "AwsManaged": name == "FullAWSAccess"}
        return {
            "Id": f"p-{name}",
            "Name": name,
            "Arn": self._arn(f"policy/service_control_policy/p-{name}"),
            **kind,
        }

    def _targets(self, name: str, start: int, most: int) -> dict[str, Any]:
        if name != "FullAWSAccess":
            return {
                "Targets": [
                    {"TargetId": "ou-be01-workload", "Name": "Workloads", "Type": "ORGANIZATIONAL_UNIT"}
                ]
            }
        above = [(ROOT, "ROOT"), *((ou, "ORGANIZATIONAL_UNIT") for ou in OUS)]
        total = len(above) + self.accounts
        targets = [
            above[place] if place < len(above) else (self.ids[place - len(above)], "ACCOUNT")
            for place in range(start, min(start + most, total))
        ]
        page: dict[str, Any] = {
            "Targets": [{"TargetId": one, "Name": one, "Type": kind} for one, kind in targets]
        }
        return page | ({"NextToken": str(start + most)} if start + most < total else {})

    def _arn(self, what: str) -> str:
        return f"arn:aws:organizations::{self.management}:{what}"


SCPS = {"FullAWSAccess": allow("*"), "Regions": OFFICE}


def session(role_arn: str, name: str, expires: datetime) -> str:
    """The result of AssumeRole; its key tells the account, so that no session has to be remembered. Raises Refused."""
    account_id, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    if role != ROLE:
        raise Refused(
            "AccessDenied", f"User is not authorized to perform: sts:AssumeRole on resource: {role_arn}", 403
        )
    return (
        f"<Credentials><AccessKeyId>ASIA{account_id}ROLL</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
        f"<SessionToken>token</SessionToken><Expiration>{date(expires)}</Expiration></Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>AROA{account_id}ROLLE:{name}</AssumedRoleId>"
        f"<Arn>arn:aws:sts::{account_id}:assumed-role/{role}/{name}</Arn></AssumedRoleUser>"
    )


def caller(account_id: str, *, own: bool) -> str:
    """The result of GetCallerIdentity: the caller is a session of a role in the management account."""
    role = "Operators/operator" if own else f"{ROLE}/rollout"
    named = f"<Arn>arn:aws:sts::{account_id}:assumed-role/{role}</Arn><Account>{account_id}</Account>"
    return f"{named}<UserId>AROA{account_id}ROLLE:operator</UserId>"


def json_of(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
