"""Lists the ways in that a user may have, what was found at each, by which call and when, and what nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.people.key_use import describe_use
from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.users import AccessKey, MfaDevice, User

REPORT, CONSOLE, PERMISSIONS = "credential report", "console sign-in", "permissions"
SSH_KEYS = "SSH keys for CodeCommit"
SERVICE_CREDENTIALS = "service-specific credentials"


@dataclass(frozen=True, slots=True)
class Door:
    """One way in, with what was found there. `source` is the report or the call, `at` the time of its answer.

    Without `at`, nobody looked, and `found` says why.
    """

    name: str
    found: str
    source: str = ""
    at: datetime | None = None


NEVER_LOOKED_AT = (
    Door(
        "sessions",
        "AWS lists no sessions and no bearer tokens; one that was made before may outlive a change",
    ),
    Door(
        "resource policies", "who else may act through them is not evaluated: buckets, keys, trust policies"
    ),
)
"""The same for everybody, so no plan repeats it."""


def doors_of(user: User, facts: AccountFacts) -> Iterator[Door]:
    """List the doors of one user, in the order in which people think of them."""
    unread = {one.fact: one.why for one in (*user.unread, *facts.unread, *facts.not_offered)}
    by_report = facts.report_at is not None and user.facts_at == facts.report_at

    def read(name: str, fact: str, found: str, source: str, at: datetime) -> Door:
        why = unread.get(fact)
        return Door(name, why) if why is not None else Door(name, found, source, at)

    listed, looked = (REPORT, user.facts_at) if by_report else ("", user.facts_at)
    yield read("password", "password", _password(user), listed or "GetLoginProfile, GetUser", looked)
    if by_report and user.password is not None and user.password.reset_required is not None:
        must = "must be changed" if user.password.reset_required else "need not be changed"
        yield Door("password at the next sign-in", must, "GetLoginProfile", facts.read_at)
    yield read("MFA devices", "devices", _devices(user), *_devices_by(user, facts, by_report=by_report))
    keys = "; ".join(map(_key, user.keys)) or "none"
    yield read("access keys", "access keys", keys, listed or "ListAccessKeys, GetAccessKeyLastUsed", looked)
    yield from _calls(user)
    if user.ssh_keys is None and SSH_KEYS not in unread:
        why = "not asked: the user has another credential, and no policy of the user names CodeCommit"
        yield Door(SSH_KEYS, why)
    else:
        yield read(SSH_KEYS, SSH_KEYS, _number(user.ssh_keys or 0), "ListSSHPublicKeys", facts.read_at)
    if by_report:
        yield Door("signing certificates", _number(user.certificates), REPORT, user.facts_at)
    else:
        yield Door("signing certificates", "only the credential report tells of them, and it was not usable")
    services = ", ".join(
        f"{one.service}{'' if one.active else ' (not active)'}" for one in user.service_credentials
    )
    by = "ListServiceSpecificCredentials"
    yield read(SERVICE_CREDENTIALS, SERVICE_CREDENTIALS, services or "none", by, facts.read_at)
    if facts.sign_in is not None:
        yield Door(CONSOLE, facts.sign_in.sentence, "GetConsoleAuthorizationConfiguration", facts.read_at)
    yield Door(PERMISSIONS, _permissions(user), "GetAccountAuthorizationDetails", user.rights_at)


def _password(user: User) -> str:
    password = user.password
    if password is None:
        return "none"
    used = f"last used {_day(password.last_used)}" if password.last_used else "no use known"
    expires = f", expires {_day(password.next_rotation)}" if password.next_rotation else ""
    return f"set {_day(password.last_changed)}, {used}{expires}"


def _devices(user: User) -> str:
    if user.devices is None:
        return "on; of which kind was not asked" if user.mfa_active else "none"
    return "; ".join(map(_device, user.devices)) or "none"


def _device(device: MfaDevice) -> str:
    since = f", since {_day(device.enabled_at)}" if device.enabled_at else ""
    return f"{device.kind} {device.serial.rpartition('/')[2]}{since}"


def _devices_by(user: User, facts: AccountFacts, *, by_report: bool) -> tuple[str, datetime]:
    if not by_report:
        return "ListMFADevices", user.facts_at
    if user.devices is None or not user.devices:
        return f"{REPORT}, ListVirtualMFADevices", user.facts_at
    virtual = all(":mfa/" in device.serial for device in user.devices)
    return "ListVirtualMFADevices" if virtual else "ListMFADevices", facts.read_at


def _key(key: AccessKey) -> str:
    state = "active" if key.active else "not active"
    made = f", made {_day(key.created)}" if key.created else ""
    where = "".join(f" {word} {what}" for word, what in (("for", key.service), ("in", key.region)) if what)
    used = f"last used {_day(key.last_used)}{where}" if key.last_used else "no use known"
    return f"{key.label} {state}{made}, {used}"


def _calls(user: User) -> Iterator[Door]:
    """List what each access key calls, where that was looked up (`evidence`)."""
    for one in user.activity:
        yield Door(f"calls of {one.key}", describe_use(one), one.source, one.read_at)
    if len(user.activity) < len(user.active_keys):
        yield Door(
            "calls of the access keys", "not looked up: evidence is off, IAM knows no use, or it failed"
        )


def _permissions(user: User) -> str:
    parts = (
        ("groups", ", ".join(user.groups)),
        ("attached", ", ".join(arn.rpartition("/")[2] for arn in user.attached)),
        ("inline", ", ".join(policy.name for policy in user.inline)),
        ("boundary", (user.boundary_arn or "").rpartition("/")[2]),
    )
    return "; ".join(f"{what}: {names}" for what, names in parts if names) or "no policies"


def _number(count: int) -> str:
    return f"{count} active" if count else "none active"


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "on an unknown day"
