"""One account for the stub: people with their credentials, answered by bulk and by live calls alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from tests.aws.stub import AwsStub, Call, Fail

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
REPORTED = NOW - timedelta(hours=2)
ACCOUNT = "012345678901"
LONG_AGO = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
LATELY = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

COLUMNS = (
    "user",
    "arn",
    "user_creation_time",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "password_next_rotation",
    "mfa_active",
    *(
        f"access_key_{slot}_{column}"
        for slot in (1, 2)
        for column in (
            "active",
            "last_rotated",
            "last_used_date",
            "last_used_region",
            "last_used_service",
        )
    ),
    "cert_1_active",
    "cert_1_last_rotated",
    "cert_2_active",
    "cert_2_last_rotated",
)
NO_SUCH_USER = Fail("NoSuchEntity", 404)
NEVER_CONFIGURED = Fail("ResourceNotFoundException", 400)


@dataclass(frozen=True)
class Key:
    created: datetime = LONG_AGO
    last_used: datetime | None = LATELY
    service: str = "s3"
    active: bool = True
    region: str = "N/A"


@dataclass(frozen=True)
class Person:
    """An IAM user; `sign_in` is None for one without a password."""

    name: str
    path: str = "/"
    created: datetime = LONG_AGO
    signed_in: datetime | None = LATELY
    has_password: bool = True
    reset_required: bool = False
    totp: bool = True
    passkey: bool = False
    keys: tuple[Key, ...] = ()
    groups: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    inline: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    boundary: str | None = None
    ssh_keys: tuple[str, ...] = ()
    """The status of each SSH key for CodeCommit: `Active` or `Inactive`."""
    tags: Mapping[str, str] = field(default_factory=dict)
    partition: str = "aws"

    @property
    def id(self) -> str:
        return f"AIDA{crc32(f'{self.name} {self.created}'.encode()):016d}"

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:iam::{ACCOUNT}:user{self.path}{self.name}"

    @property
    def serials(self) -> list[str]:
        iam = f"arn:{self.partition}:iam::{ACCOUNT}"
        totp = [f"{iam}:mfa/{self.name}"] if self.totp else []
        return totp + ([f"{iam}:u2f/user/{self.name}/key-1"] if self.passkey else [])


class World:
    """What the account has; change it, and the next answer shows it."""

    def __init__(self, stub: AwsStub, people: Iterable[Person] = (), page: int = 100) -> None:
        self.people = {person.name: person for person in people}
        self.reported: list[Person] | None = None
        """Who is in the report, when not everybody."""
        self.columns: Sequence[str] = COLUMNS
        self.page: Callable[[], int] = lambda: page
        self.service_credentials: list[Mapping[str, Any]] = []
        self.unassigned: list[str] = []
        for operation, answer in (
            ("GenerateCredentialReport", lambda _: {"State": "COMPLETE"}),
            ("GetCredentialReport", lambda _: self.report()),
            ("GetAccountAuthorizationDetails", self.details),
            ("ListVirtualMFADevices", self._virtual),
            ("ListServiceSpecificCredentials", lambda _: self._services()),
            ("GetAccountSummary", lambda _: {"SummaryMap": {"Groups": 3, "GroupsQuota": 300}}),
            ("GetAccountPasswordPolicy", lambda _: Fail("NoSuchEntity", 404)),
            ("GetConsoleAuthorizationConfiguration", lambda _: NEVER_CONFIGURED),
            ("GetResourcePolicy", lambda _: NEVER_CONFIGURED),
            ("GetUser", self._user),
            ("GetLoginProfile", self._login),
            ("ListMFADevices", self._devices),
            ("ListAccessKeys", self._keys),
            ("GetAccessKeyLastUsed", self._key_use),
            ("ListUserPolicies", self._inline),
            ("GetUserPolicy", self._inline_policy),
            ("ListAttachedUserPolicies", self._attached),
            ("ListGroupsForUser", self._groups),
            ("ListSSHPublicKeys", self._ssh_keys),
        ):
            stub.on(operation, answer)

    def report(self) -> Mapping[str, Any]:
        people = list(self.people.values()) if self.reported is None else self.reported
        rows = [row_of(person) for person in people]
        root = {"user": "<root_account>", "arn": f"arn:aws:iam::{ACCOUNT}:root", "mfa_active": "true"}
        root |= {"user_creation_time": LONG_AGO.isoformat(), "password_enabled": "not_supported"}
        lines = [[row.get(column, "N/A") for column in self.columns] for row in [root, *rows]]
        text = "\n".join(",".join(_quoted(cell) for cell in line) for line in [self.columns, *lines])
        return {"Content": text.encode(), "ReportFormat": "text/csv", "GeneratedTime": REPORTED}

    def details(self, call: Call) -> Mapping[str, Any]:
        start = int(call.params.get("Marker", 0))
        following = start + self.page()
        names = list(self.people)[start:following]
        return {
            "UserDetailList": [
                _detail(self.people[name]) | {"UserPolicyList": _inline_policies(self.people[name])}
                for name in names
            ],
            "GroupDetailList": [] if start else [group_detail("admins")],
            "Policies": [],
            **_more(following, len(self.people)),
        }

    def _virtual(self, _: Call) -> Mapping[str, Any]:
        assigned = [
            {
                "SerialNumber": person.serials[0],
                "EnableDate": LONG_AGO,
                "User": {
                    "Path": person.path,
                    "UserName": person.name,
                    "UserId": person.id,
                    "Arn": person.arn,
                    "CreateDate": person.created,
                },
            }
            for person in self.people.values()
            if person.totp
        ]
        root = {"SerialNumber": f"arn:aws:iam::{ACCOUNT}:mfa/root-account-mfa-device", "EnableDate": LONG_AGO}
        waiting = [{"SerialNumber": serial} for serial in self.unassigned]
        return {"VirtualMFADevices": [*assigned, root, *waiting], "IsTruncated": False}

    def _services(self) -> Mapping[str, Any]:
        return {"ServiceSpecificCredentials": self.service_credentials, "IsTruncated": False}

    def _user(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        return {"User": _detail(person) | {"PasswordLastUsed": person.signed_in}} if person else NO_SUCH_USER

    def _login(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        if person is None or not person.has_password:
            return NO_SUCH_USER
        profile = {
            "UserName": person.name,
            "CreateDate": person.created,
            "PasswordResetRequired": person.reset_required,
        }
        return {"LoginProfile": profile}

    def _devices(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        if person is None:
            return NO_SUCH_USER
        devices = [
            {"UserName": person.name, "SerialNumber": serial, "EnableDate": LONG_AGO}
            for serial in person.serials
        ]
        return {"MFADevices": devices, "IsTruncated": False}

    def _keys(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        if person is None:
            return NO_SUCH_USER
        keys = [
            {
                "UserName": person.name,
                "AccessKeyId": key_id(person.name, slot),
                "Status": "Active" if key.active else "Inactive",
                "CreateDate": key.created,
            }
            for slot, key in enumerate(person.keys)
        ]
        return {"AccessKeyMetadata": keys, "IsTruncated": False}

    def _inline(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        return {"PolicyNames": list(person.inline), "IsTruncated": False} if person else NO_SUCH_USER

    def _inline_policy(self, call: Call) -> Any:
        name, policy = call.params["UserName"], call.params["PolicyName"]
        if name not in self.people:
            return NO_SUCH_USER
        document = json.dumps(self.people[name].inline[policy])
        return {"UserName": name, "PolicyName": policy, "PolicyDocument": document}

    def _attached(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        attached = (
            [{"PolicyArn": arn, "PolicyName": arn.split("/")[-1]} for arn in person.attached]
            if person
            else []
        )
        return {"AttachedPolicies": attached, "IsTruncated": False} if person else NO_SUCH_USER

    def _groups(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        groups = [group_detail(name) | {"CreateDate": LONG_AGO} for name in person.groups] if person else []
        return {"Groups": groups, "IsTruncated": False} if person else NO_SUCH_USER

    def _ssh_keys(self, call: Call) -> Any:
        person = self.people.get(call.params["UserName"])
        statuses = enumerate(person.ssh_keys) if person else ()
        keys = [
            {
                "UserName": call.params["UserName"],
                "SSHPublicKeyId": f"APKASTUBSTUB{number:08d}",
                "Status": status,
                "UploadDate": LONG_AGO,
            }
            for number, status in statuses
        ]
        return {"SSHPublicKeys": keys, "IsTruncated": False} if person else NO_SUCH_USER

    def _key_use(self, call: Call) -> Any:
        slot, name = call.params["AccessKeyId"].removeprefix("AKIASTUBSTUB").split("-", 1)
        key = self.people[name].keys[int(slot)]
        used: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
        if key.last_used:
            used = {"LastUsedDate": key.last_used, "ServiceName": key.service, "Region": "N/A"}
        return {"UserName": name, "AccessKeyLastUsed": used}


def row_of(person: Person) -> dict[str, str]:
    """One line of a credential report, as AWS writes it."""
    row = {
        "user": person.name,
        "arn": person.arn,
        "user_creation_time": _cell(person.created),
        "password_enabled": str(person.has_password).lower(),
        "password_last_used": _cell(person.signed_in, "no_information") if person.has_password else "N/A",
        "password_last_changed": _cell(person.created) if person.has_password else "N/A",
        "mfa_active": str(person.totp or person.passkey).lower(),
        **{f"access_key_{slot}_active": "false" for slot in (1, 2)},
        **{f"cert_{slot}_active": "false" for slot in (1, 2)},
    }
    for slot, key in enumerate(person.keys, start=1):
        prefix = f"access_key_{slot}_"
        row |= {
            f"{prefix}active": str(key.active).lower(),
            f"{prefix}last_rotated": _cell(key.created),
            f"{prefix}last_used_date": _cell(key.last_used),
            f"{prefix}last_used_region": key.region,
            f"{prefix}last_used_service": key.service if key.last_used else "N/A",
        }
    return row


def key_id(name: str, slot: int) -> str:
    return f"AKIASTUBSTUB{slot:03d}-{name}"


def group_detail(name: str, path: str = "/", attached: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "Path": path,
        "GroupName": name,
        "GroupId": f"AGPA{name}",
        "Arn": f"arn:aws:iam::{ACCOUNT}:group{path}{name}",
        "AttachedManagedPolicies": [{"PolicyArn": arn, "PolicyName": arn.split("/")[-1]} for arn in attached],
    }


def _detail(person: Person) -> dict[str, Any]:
    return {
        "Path": person.path,
        "UserName": person.name,
        "UserId": person.id,
        "Arn": person.arn,
        "CreateDate": person.created,
        "GroupList": list(person.groups),
        "Tags": [{"Key": key, "Value": value} for key, value in person.tags.items()],
        **({"PermissionsBoundary": {"PermissionsBoundaryArn": person.boundary}} if person.boundary else {}),
    }


def _inline_policies(person: Person) -> list[Mapping[str, Any]]:
    return [
        {"PolicyName": name, "PolicyDocument": json.dumps(document)}
        for name, document in person.inline.items()
    ]


def _more(following: int, total: int) -> dict[str, Any]:
    return {"IsTruncated": True, "Marker": str(following)} if following < total else {"IsTruncated": False}


def _cell(moment: datetime | None, otherwise: str = "N/A") -> str:
    return moment.isoformat().replace("+00:00", "Z") if moment else otherwise


def _quoted(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell
