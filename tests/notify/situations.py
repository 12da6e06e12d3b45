"""People in every situation that a notice has words for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from rollout.domain.people.users import DeviceKind
from rollout.domain.progress.messages import Line, Notice
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact, KeyOutlook, Situation
from rollout.notify.digest import Letterhead
from tests.builders import ACCOUNT, a_ref

DUE = datetime(2026, 12, 8, 12, tzinfo=UTC)
APP, PASSKEY = EnrolmentWay
SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/phone"
ENROL, CLI = Impact.ENROL, Impact.CLI

USED = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEYS = (
    KeyOutlook(
        "key AKIA…3F",
        USED,
        "s3",
        "eu-west-1",
        ("s3:GetObject", "s3:PutObject", "ec2:DescribeInstances"),
        7,
        date(2026, 11, 20),
        ("aws-cli",),
        ("203.0.113.7",),
    ),
    KeyOutlook("key AKIA…Q2", USED, "iam", "", ("iam:ListRoles",), 1, date(2026, 11, 20)),
    KeyOutlook("key 1", USED),
    KeyOutlook("key 2"),
)

SITUATIONS = {
    "nothing to do": (Impact.NONE, Situation(console=True)),
    "console only": (ENROL, Situation(console=True, ways=(APP, PASSKEY))),
    "console only, no passkeys": (ENROL, Situation(console=True, ways=(APP,))),
    "passkeys only": (ENROL, Situation(console=True, ways=(PASSKEY,))),
    "passkeys only, and keys": (ENROL, Situation(console=True, active_keys=1, ways=(PASSKEY,))),
    "passkeys only, keys and aws login": (
        ENROL,
        Situation(console=True, active_keys=1, ways=(PASSKEY,), aws_login=True),
    ),
    "console and keys": (
        ENROL,
        Situation(console=True, active_keys=1, ways=(APP, PASSKEY), enrols_by_keys=True),
    ),
    "keys only": (ENROL, Situation(active_keys=1, ways=(APP,), enrols_by_keys=True, machine=True)),
    "codes by SMS": (ENROL, Situation(console=True, device_kinds=(DeviceKind.SMS,), ways=(APP, PASSKEY))),
    "password expires": (ENROL, Situation(console=True, ways=(APP, PASSKEY), password_expires=DUE)),
    "keys with a device": (
        CLI,
        Situation(console=True, active_keys=4, serials=(SERIAL,), aws_login=True, keys=KEYS),
    ),
    "keys with a device, no console": (CLI, Situation(active_keys=1, serials=(SERIAL,))),
    "Git credentials": (CLI, Situation(console=True, without_mfa=("codecommit.amazonaws.com",))),
    "a program with an API key": (
        ENROL,
        Situation(without_mfa=("bedrock.amazonaws.com", "a signing certificate"), machine=True),
    ),
    "a passkey and keys": (
        Impact.PASSKEY_ONLY,
        Situation(console=True, active_keys=1, device_kinds=(DeviceKind.PASSKEY,), ways=(APP, PASSKEY)),
    ),
    "a passkey and keys, no app": (
        Impact.PASSKEY_ONLY,
        Situation(console=True, active_keys=1, device_kinds=(DeviceKind.PASSKEY,), ways=(PASSKEY,)),
    ),
}

HEADS = (
    Letterhead("security@example.com"),
    Letterhead(
        "mfa@example.com", "Example Corp", "SEC-42", "https://intranet.example.com/mfa", "use the portal"
    ),
)


def a_line_in(situation: str, name: str = "alice", partition: str = "aws") -> Line:
    impact, facts = SITUATIONS[situation]
    user = a_ref(name)
    user = type(user)(user.account_id, user.name, user.id, user.arn.replace("arn:aws:", f"arn:{partition}:"))
    return Line(user, "payments-prod", impact, DUE, facts)


def every_notice() -> Iterator[tuple[Notice, Letterhead]]:
    """A notice for each situation, and one each for what goes by the whole message."""
    for head in HEADS:
        for situation in SITUATIONS:
            yield Notice("alice@example.com", (a_line_in(situation),)), head
    lines = tuple(a_line_in(situation, f"user-{number}") for number, situation in enumerate(SITUATIONS))
    others = (a_line_in("console only", "carol"), a_line_in("keys with a device", "dave"))
    yield Notice("alice@example.com", lines, reminder=True, others=others), HEADS[1]
    yield Notice("alice@example.com", lines[:1], enforced=True), HEADS[0]
    yield (
        Notice("alice@example.com", (a_line_in("nothing to do"), a_line_in("nothing to do", "bob"))),
        HEADS[0],
    )
    yield Notice("alice@example.com", (a_line_in("console only", partition="aws-iso"),)), HEADS[0]
