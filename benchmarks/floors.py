"""The least that a command can take: the same calls by plain boto3 in 32 threads, their answers thrown away.

python -m benchmarks.floors inventory|enforce|verify

Nothing is judged, checked, or written down. The accounts come from `ListAccounts`; the users who are asked about singly
are those whom the credential report leaves in doubt.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.organization_answers import ROLE

THREADS = 32
CONFIG = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": 12})
POLICY, GROUP, PATH = "ForceMFA", "ForceMFA", "/rollout/"
DOCUMENT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "NotAction": "iam:*",
                "Resource": "*",
                "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
            }
        ],
    }
)


class Caller:
    """The caller's session, from which accounts are entered."""

    def __init__(self) -> None:
        self.session = boto3.Session()
        self.sts: Any = self.session.client("sts", config=CONFIG)
        self.account: str = self.sts.get_caller_identity()["Account"]
        self._creating = threading.Lock()

    def accounts(self) -> Iterator[str]:
        pages = self.session.client("organizations").get_paginator("list_accounts").paginate()
        return (account["Id"] for page in pages for account in page["Accounts"])

    def enter(self, account_id: str) -> Account:
        keys: Any = {}
        if account_id != self.account:
            role = f"arn:aws:iam::{account_id}:role/{ROLE}"
            found = self.sts.assume_role(RoleArn=role, RoleSessionName="floor")["Credentials"]
            keys = {
                "aws_access_key_id": found["AccessKeyId"],
                "aws_secret_access_key": found["SecretAccessKey"],
                "aws_session_token": found["SessionToken"],
            }
        with self._creating:  # clients are not made by several threads at once
            iam = self.session.client("iam", config=CONFIG, **keys)
            sign_in = self.session.client("signin", config=CONFIG, **keys)
        sign_in.meta.events.register("before-call.signin", _to_the_endpoint)
        return Account(account_id, iam, sign_in)


@dataclass(frozen=True)
class Account:
    """An account that was entered."""

    id: str
    iam: Any
    sign_in: Any

    def read(self) -> list[dict[str, str]]:
        """Make the nine calls, and those about single users; return the rows of the report."""
        iam = self.iam
        iam.generate_credential_report()
        self.details()
        virtual = self.pages(iam.list_virtual_mfa_devices, AssignmentStatus="Any", MaxItems=1000)
        with_device = {
            found["User"]["Arn"] for page in virtual for found in page["VirtualMFADevices"] if "User" in found
        }
        iam.list_service_specific_credentials(AllUsers=True, MaxItems=1000)
        iam.get_account_summary()
        iam.get_account_password_policy()
        with suppress(ClientError):
            self.sign_in.get_console_authorization_configuration(targetId=self.id)
        report = iam.get_credential_report()["Content"].decode()
        rows = list(csv.DictReader(io.StringIO(report)))[1:]
        for row in rows:
            keys = [row[f"access_key_{slot}_active"] == "true" for slot in (1, 2)]
            if row["mfa_active"] == "true" and row["arn"] not in with_device and any(keys):
                iam.list_mfa_devices(UserName=row["user"])
            if row["password_last_used"] == "no_information":
                self.login_profile(row["user"])
            if row["password_enabled"] == "false" and row["access_key_1_last_rotated"] == "N/A":
                iam.list_ssh_public_keys(UserName=row["user"])
        return rows

    def details(self) -> None:
        kinds = ["User", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]
        for _ in self.pages(self.iam.get_account_authorization_details, Filter=kinds, MaxItems=1000):
            pass

    def login_profile(self, user: str) -> None:
        with suppress(ClientError):
            self.iam.get_login_profile(UserName=user)

    def pages(
        self, method: Callable[..., Mapping[str, Any]], **params: object
    ) -> Iterator[Mapping[str, Any]]:
        more: dict[str, object] = {}
        while True:
            page = method(**params, **more)
            yield page
            if not page["IsTruncated"]:
                return
            more = {"Marker": page["Marker"]}


def _to_the_endpoint(*, params: dict[str, Any], **_: object) -> None:
    """For these operations, botocore overlooks the endpoint that is configured."""
    params["url"] = os.environ["AWS_ENDPOINT_URL"] + params["url_path"]


def inventory(account: Account) -> None:
    """What `inventory` and `plan` read."""
    account.read()


def enforce(account: Account) -> None:
    """Read; make policy and group; ask everybody with a password once more; add the people; look at the members."""
    iam, arn = account.iam, f"arn:aws:iam::{account.id}:policy{PATH}{POLICY}"
    people = [row for row in account.read() if row["password_enabled"] == "true"]
    iam.create_policy(PolicyName=POLICY, Path=PATH, PolicyDocument=DOCUMENT)
    iam.create_group(GroupName=GROUP, Path=PATH)
    iam.attach_group_policy(GroupName=GROUP, PolicyArn=arn)
    account.details()
    for row in people:
        account.login_profile(row["user"])
        iam.list_mfa_devices(UserName=row["user"])
        iam.add_user_to_group(GroupName=GROUP, UserName=row["user"])
    for _ in account.pages(iam.get_group, GroupName=GROUP, MaxItems=1000):
        pass


def verify(account: Account) -> None:
    """Read, and look at policy, group and members."""
    account.read()
    iam, arn = account.iam, f"arn:aws:iam::{account.id}:policy{PATH}{POLICY}"
    iam.get_policy(PolicyArn=arn)
    iam.list_attached_group_policies(GroupName=GROUP)
    for _ in account.pages(iam.get_group, GroupName=GROUP, MaxItems=1000):
        pass


FLOORS: dict[str, Callable[[Account], None]] = {"inventory": inventory, "enforce": enforce, "verify": verify}


def run(name: str) -> None:
    """Make the calls of one command in all accounts."""
    work, caller = FLOORS[name], Caller()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda account_id: work(caller.enter(account_id)), caller.accounts()):
            pass


if __name__ == "__main__":
    run(sys.argv[1])
