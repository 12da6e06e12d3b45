"""design.md#verdicts as tables.

Credentials, machines, passwords, people, facts that could not be read, and precedence.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from rollout.domain.people.addresses import AddressTag, NameIsAddress
from rollout.domain.people.exemptions import UserMatch
from rollout.domain.people.observations import PasswordPolicy
from rollout.domain.people.users import AccessKey, NamedPolicy, Password, ServiceCredential, Unread
from rollout.domain.verdicts.rules import MachineRules
from tests.builders import (
    ACCOUNT,
    NOW,
    a_device,
    a_key,
    a_user,
    an_exemption,
    days_ago,
)
from tests.domain.judging import (
    DENY_WITHOUT_MFA,
    DOCUMENTS,
    LEFT_OPEN,
    NO_MFA,
    a_document,
    a_group,
    a_managed,
    a_person,
    a_versioned,
    deny,
    deny_all_but,
    inline,
    judged,
    ours_in_place,
    the_rules,
)
from tests.domain.verdicts.rows import Row, check, covered, enforce, exempt, hold

ALICE = a_person()
ALICE_ARN = f"arn:aws:iam::{ACCOUNT}:user/alice"
BACKUP = a_person("backup", password=False, mfa=None, keys=1)
ENFORCER = inline("EnforceMfa", DENY_WITHOUT_MFA)
SECOND = timedelta(seconds=1)


def abandoned(days: float, **more):
    """No device, and a password that nobody has used or set for so many days."""
    more.setdefault("reset_required", False)
    return a_person(mfa=None, signed_in_days_ago=days, password_set_days_ago=days, **more)


# What enforcement means to those who can be enforced.
ENFORCED = [
    enforce("a device and no keys: nothing changes", ALICE, "none", "has-mfa"),
    enforce(
        "keys in use with a TOTP device: session tokens on the CLI",
        a_person(keys=1),
        "cli",
        "has-mfa",
        "keys-in-use",
        detail="key 1 used 3 days ago for s3",
    ),
    enforce(
        "a hardware token gives codes too",
        a_person(mfa="hardware", keys=1),
        "cli",
        "has-mfa",
        "keys-in-use",
    ),
    enforce(
        "TOTP beside a passkey gives codes",
        a_person(mfa=("passkey", "totp"), keys=1),
        "cli",
        "has-mfa",
        "keys-in-use",
        detail="passkey, totp",
    ),
    enforce("no device yet: enrol", a_person(mfa=None), "enrol", "no-mfa"),
    enforce(
        "no device, but keys in use and a living password: a person who must enrol",
        a_person(mfa=None, keys=2),
        "enrol",
        "no-mfa",
        "keys-in-use",
        detail="key 2 used",
    ),
    enforce(
        "a passkey alone and keys in use: the CLI would be lost",
        a_person(mfa="passkey", keys=1),
        "passkey-only",
        "has-mfa",
        "keys-in-use",
        "passkey-only",
        detail="gives no codes",
    ),
    enforce(
        "SMS gives no codes any more",
        a_person(mfa="sms", keys=1),
        "enrol",
        "no-mfa",
        "keys-in-use",
    ),
    enforce("a passkey alone without keys: nothing changes", a_person(mfa="passkey"), "none", "has-mfa"),
    enforce(
        "a passkey alone and a key out of use: the key's next request is denied all the same",
        a_person(mfa="passkey", keys=1, used_days_ago=91),
        "passkey-only",
        "has-mfa",
        "idle-keys",
        "passkey-only",
    ),
    enforce(
        "inactive keys sign nothing, however recently used",
        a_person(keys=(a_key(active=False, used_days_ago=1),)),
        "none",
        "has-mfa",
    ),
    hold(
        "neither password nor key nor device: nobody can enrol one",
        a_person(password=False, mfa=None),
        "no-credentials",
        cure="rules.no_credentials: enforce",
    ),
    hold(
        "no credentials but an inactive key: still none",
        a_person(password=False, mfa=None, keys=(a_key(active=False),)),
        "no-credentials",
    ),
    enforce(
        "neither password nor key, by the operator's decision",
        a_person(password=False, mfa=None),
        "none",
        "no-mfa",
        rules={"enforce_without_credentials": True},
    ),
    enforce(
        "a device of unknown kind matters not where no key is active",
        a_person(devices_known=False),
        "none",
        "has-mfa",
        detail="kind not read",
    ),
    enforce(
        "the live list of devices is believed before the report's flag",
        replace(a_person(), mfa_active=True, devices=()),
        "enrol",
        "no-mfa",
    ),
    enforce(
        "an unaffected user without an address can still be enforced",
        a_user(),
        "none",
        "has-mfa",
    ),
    enforce(
        "signing certificates alone are no reason to hold",
        a_person(certificates=1),
        "cli",
        "has-mfa",
    ),
]

# "A key counts as in use from its creation, for keys_in_use_days after its last use" (design.md#verdicts).
KEYS = [
    enforce(
        "a key used 90 days ago to the second is in use",
        a_person(keys=1, used_days_ago=90),
        "cli",
        "has-mfa",
        "keys-in-use",
    ),
    enforce(
        "a second more, and it is not",
        a_person(keys=(replace(a_key(), last_used=days_ago(90) - SECOND),)),
        "cli",
        "has-mfa",
        "idle-keys",
    ),
    enforce(
        "a new key counts from its creation, though never used",
        a_person(keys=1, used_days_ago=None, keys_created_days_ago=10),
        "cli",
        "has-mfa",
        "keys-in-use",
        detail="never used since its creation 10 days ago",
    ),
    enforce(
        "a key created 90 days ago and never used is in use on that day",
        a_person(keys=1, used_days_ago=None, keys_created_days_ago=90),
        "cli",
        "has-mfa",
        "keys-in-use",
    ),
    enforce(
        "and on the next it is not",
        a_person(keys=1, used_days_ago=None, keys_created_days_ago=91),
        "cli",
        "has-mfa",
        "idle-keys",
    ),
    enforce(
        "a key whose dates nobody knows counts as in use",
        a_person(keys=(AccessKey(1, active=True, created=None),)),
        "cli",
        "has-mfa",
        "keys-in-use",
        detail="key 1 never used",
    ),
    enforce(
        "keys_in_use_days is the operator's",
        a_person(keys=1, used_days_ago=31),
        "cli",
        "has-mfa",
        "idle-keys",
        rules={"keys_in_use_days": 30},
    ),
    enforce(
        "keys_in_use_days: 31 takes the same key in",
        a_person(keys=1, used_days_ago=31),
        "cli",
        "has-mfa",
        "keys-in-use",
        rules={"keys_in_use_days": 31},
    ),
    enforce(
        "one key out of use does not hide the other",
        a_person(keys=(a_key(1, used_days_ago=200), a_key(2, used_days_ago=5))),
        "cli",
        "has-mfa",
        "keys-in-use",
        detail="key 2",
    ),
    enforce(
        "a key used in the future, by a clock that is ahead, is in use",
        a_person(keys=(replace(a_key(), last_used=NOW + timedelta(hours=1)),)),
        "cli",
        "has-mfa",
        "keys-in-use",
    ),
    hold(
        "keys in use, a device, and nobody knows its kind: does it give codes?",
        a_person(keys=1, devices_known=False),
        "unknown",
        detail="generates codes",
    ),
]

MACHINES = [
    hold(
        "no password and a key in use",
        BACKUP,
        "machine",
        detail="no console password, and key 1 used 3 days ago for s3",
        cure="rules.enforce_machines",
    ),
    hold(
        "no password and any active key, used or not",
        a_person(password=False, mfa=None, keys=1, used_days_ago=None),
        "machine",
        detail="key 1 never used",
    ),
    hold(
        "no password and an active key that nobody has used for years",
        a_person(password=False, mfa=None, keys=1, used_days_ago=900),
        "machine",
    ),
    enforce(
        "no password and an active key, but a device: somebody who works on the command line",
        a_person(password=False, mfa="totp", keys=1),
        "cli",
        "has-mfa",
        "keys-in-use",
    ),
    hold(
        "an SSH key for CodeCommit and nothing else",
        a_person(password=False, mfa=None, ssh_keys=1),
        "machine",
        detail="an active SSH key for CodeCommit",
    ),
    hold(
        "a signing certificate and nothing else",
        a_person(password=False, mfa=None, certificates=1),
        "machine",
        detail="an active signing certificate",
    ),
    enforce(
        "an SSH key of somebody who signs in earns a notice",
        a_person(ssh_keys=1),
        "cli",
        "has-mfa",
    ),
    hold(
        "no device, password unused and unset for 91 days, a key in use",
        abandoned(91, keys=1),
        "machine",
        detail="password not used for 90 days, and key 1 used 3 days ago",
    ),
    hold(
        "no device, password unused and unset for 90 days to the second, a key in use",
        abandoned(90, keys=1),
        "machine",
    ),
    enforce(
        "a password used 89 days ago is a person's",
        abandoned(89, keys=1),
        "enrol",
        "no-mfa",
        "keys-in-use",
    ),
    enforce(
        "a password set 89 days ago is a person's, though last used long before",
        a_person(mfa=None, signed_in_days_ago=300, password_set_days_ago=89, reset_required=False, keys=1),
        "enrol",
        "no-mfa",
        "keys-in-use",
    ),
    hold(
        "a password with no dates at all speaks for nobody",
        a_person(mfa=None, signed_in_days_ago=None, password_set_days_ago=None, reset_required=False, keys=1),
        "machine",
    ),
    enforce(
        "an abandoned password without a key in use is a person who forgot",
        abandoned(400, keys=1, used_days_ago=200),
        "enrol",
        "no-mfa",
        "idle-keys",
    ),
    enforce(
        "an abandoned password with a device is a person's",
        a_person(signed_in_days_ago=400, password_set_days_ago=401, keys=1),
        "cli",
        "has-mfa",
        "keys-in-use",
    ),
    hold(
        "an abandoned password is not made a person's by a device that is gone",
        replace(abandoned(400, keys=1), mfa_active=True, devices=()),
        "machine",
    ),
    *(
        hold(
            f"an active credential for {service}",
            a_person(services=[service]),
            "machine",
            detail=f"active credential for {service}",
        )
        for service in ("codecommit", "cassandra", "bedrock", "logs", "a-service-of-tomorrow")
    ),
    enforce(
        "an inactive service credential speaks for nothing",
        a_person(service_credentials=(ServiceCredential("codecommit", active=False),)),
        "none",
        "has-mfa",
    ),
    hold(
        "SES SMTP by the console's tag",
        a_person(tags={"email": "a@example.com", "InvokedBy": "SESConsole"}),
        "machine",
        detail="tag InvokedBy=SESConsole",
    ),
    hold(
        "SES SMTP by the console's tag, its key written otherwise (aws-facts.md#names-paths-arns-tags)",
        a_person(tags={"email": "a@example.com", "invokedby": "SESConsole"}),
        "machine",
    ),
    enforce(
        "the tag with another value speaks for nothing",
        a_person(tags={"email": "a@example.com", "InvokedBy": "sesconsole"}),
        "none",
        "has-mfa",
    ),
    hold(
        "SES SMTP by the console's group",
        a_person(groups=("AWSSESSendingGroupDoNotRename",)),
        "machine",
        detail="member of group AWSSESSendingGroupDoNotRename",
        account={"groups": (a_group("AWSSESSendingGroupDoNotRename"),)},
    ),
    *(
        hold(
            f"an active key last used for {service}, and nobody signs in",
            a_person(mfa=None, signed_in_days_ago=91, keys=(a_key(used_days_ago=1, service=service),)),
            "machine",
            detail=f"key 1 last used for {service}",
        )
        for service in ("ses", "codecommit", "bedrock", "cassandra")
    ),
    *(
        enforce(
            f"one call to {service} by the key of somebody with a device changes nothing",
            a_person(keys=(a_key(used_days_ago=1, service=service),)),
            "cli",
            "has-mfa",
            "keys-in-use",
        )
        for service in ("ses", "codecommit", "bedrock", "cassandra")
    ),
    enforce(
        "an inactive key last used for ses speaks for nothing",
        a_person(keys=(a_key(active=False, used_days_ago=1, service="ses"),)),
        "none",
        "has-mfa",
    ),
    hold(
        "every kind of evidence is told",
        a_person(
            password=False, mfa=None, keys=(a_key(used_days_ago=1, service="ses"),), services=["bedrock"]
        ),
        "machine",
        detail="; active credential for bedrock; key 1 last used for ses",
    ),
    enforce(
        "which services speak for machines is the operator's to say",
        a_person(keys=(a_key(used_days_ago=1, service="ses"),)),
        "cli",
        "has-mfa",
        "keys-in-use",
        rules={"machines": MachineRules(services=())},
    ),
    hold(
        "so are tags",
        a_person(tags={"email": "a@example.com", "kind": "robot"}),
        "machine",
        detail="tag kind=robot",
        rules={"machines": MachineRules(tags=("kind=robot",))},
    ),
    enforce(
        "a machine goes forward by its owner's word (ARN)",
        BACKUP,
        "enrol",
        "no-mfa",
        "keys-in-use",
        "owner-decided",
        rules={"enforce_machines": (UserMatch(f"arn:aws:iam::{ACCOUNT}:user/backup"),)},
    ),
    enforce(
        "a machine goes forward by its owner's word (UserId)",
        BACKUP,
        "enrol",
        "no-mfa",
        "keys-in-use",
        "owner-decided",
        rules={"enforce_machines": (UserMatch(BACKUP.id),)},
    ),
    enforce(
        "a machine goes forward by its owner's word (tag)",
        a_person(password=False, mfa=None, keys=1, tags={"email": "a@example.com", "owner-ok": "yes"}),
        "enrol",
        "no-mfa",
        "keys-in-use",
        "owner-decided",
        rules={"enforce_machines": (UserMatch("owner-ok=yes"),)},
    ),
    hold(
        "another owner's word does not count",
        BACKUP,
        "machine",
        rules={"enforce_machines": (UserMatch(f"arn:aws:iam::{ACCOUNT}:user/backu"), UserMatch("backup"))},
    ),
    hold(
        "an owner's word does not say where to write to",
        a_user("backup", password=False, mfa=None, keys=1),
        "unreached",
        rules={"enforce_machines": (UserMatch(f"arn:aws:iam::{ACCOUNT}:user/backup"),)},
    ),
    enforce(
        "a service credential stops working unannounced unless somebody is told",
        a_person(password=False, mfa=None, services=["codecommit"]),
        "enrol",
        "no-mfa",
        "owner-decided",
        rules={"enforce_machines": (UserMatch(ALICE_ARN),)},
    ),
    enforce(
        "a service credential is a change for somebody with a device, too",
        a_person(services=["codecommit"]),
        "cli",
        "has-mfa",
        "owner-decided",
        rules={"enforce_machines": (UserMatch(ALICE_ARN),)},
    ),
    exempt(
        "an exempt machine is exempt, and still said to be a machine",
        BACKUP,
        "machine",
        detail="until role-based backup ships; owner ops@example.com",
        rules={"exemptions": (an_exemption(f"arn:aws:iam::{ACCOUNT}:user/backup"),)},
    ),
]

# A password that must be changed first cannot be: see aws-facts.md#caveats.
PASSWORDS = [
    hold(
        "a reset is required at the next sign-in",
        a_person(mfa=None, reset_required=True),
        "first-sign-in",
        detail="a new password must be set",
        cure="sign in and set a new password",
    ),
    hold(
        "a required reset holds whoever has a device, too",
        a_person(reset_required=True),
        "first-sign-in",
    ),
    hold(
        "a password never used, and nobody asked GetLoginProfile",
        a_person(mfa=None, signed_in_days_ago=None, password_set_days_ago=5),
        "unknown",
        detail="password must be changed at the next sign-in",
    ),
    enforce(
        "a password never used, and GetLoginProfile says that it need not be changed",
        a_person(mfa=None, signed_in_days_ago=None, password_set_days_ago=5, reset_required=False),
        "enrol",
        "no-mfa",
    ),
    hold(
        "a password set after its last use, and nobody asked GetLoginProfile",
        a_person(mfa=None, signed_in_days_ago=20, password_set_days_ago=5),
        "unknown",
    ),
    hold(
        "a password used in the very second in which it was set: before or after?",
        a_person(mfa=None, signed_in_days_ago=5, password_set_days_ago=5),
        "unknown",
    ),
    hold(
        "a password used once, and nobody knows when it was set",
        a_person(mfa=None, signed_in_days_ago=5, password_set_days_ago=None),
        "unknown",
    ),
    enforce(
        "a password used since it was set has been through its first sign-in",
        a_person(mfa=None, signed_in_days_ago=5, password_set_days_ago=20),
        "enrol",
        "no-mfa",
    ),
    hold(
        "an expired password and no device",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(95), days_ago(5), False)),
        "first-sign-in",
        detail="expired on 2026-11-19",
    ),
    hold(
        "a password that expires this very second and no device",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(90), NOW, False)),
        "first-sign-in",
        detail="expired on 2026-11-24",
    ),
    enforce(
        "an expired password with a device: sign in with MFA, then change it",
        a_person(password=Password(days_ago(1), days_ago(95), days_ago(5), False)),
        "none",
        "has-mfa",
    ),
    hold(
        "a password that expires within the lead time, and no device",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(80), days_ago(-10), False)),
        "first-sign-in",
        detail="expires on 2026-12-04",
    ),
    hold(
        "a password that expires within the lead time for good",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(80), days_ago(-10), False)),
        "first-sign-in",
        detail="only an administrator can renew it (HardExpiry)",
        account={"password_policy": PasswordPolicy(90, hard_expiry=True)},
    ),
    hold(
        "a password that expires as the lead time ends",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(76), days_ago(-14), False)),
        "first-sign-in",
    ),
    enforce(
        "a password that expires a second later leaves time to enrol",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(76), days_ago(-14) + SECOND, False)),
        "enrol",
        "no-mfa",
    ),
    hold(
        "the lead time is the operator's",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(60), days_ago(-29), False)),
        "first-sign-in",
        rules={"lead_time": timedelta(days=30)},
    ),
    hold(
        "where the report does not tell the expiry, the account's password policy does",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(95), None, False)),
        "first-sign-in",
        detail="expired on 2026-11-19",
        account={"password_policy": PasswordPolicy(90)},
    ),
    enforce(
        "a password policy without a maximum age lets passwords live",
        a_person(mfa=None, password=Password(days_ago(1), days_ago(900), None, False)),
        "enrol",
        "no-mfa",
        account={"password_policy": PasswordPolicy(None)},
    ),
    hold(
        "no password, no trap",
        a_person(password=False),
        "no-credentials",
        account={"password_policy": PasswordPolicy(1, hard_expiry=True)},
    ),
]

PEOPLE = [
    hold(
        "the operator must stay able to pull the brake",
        ALICE,
        "is-operator",
        rules={"operators": frozenset({ALICE_ARN})},
        cure="by hand",
    ),
    hold(
        "a break-glass user, by ARN",
        ALICE,
        "break-glass",
        rules={"break_glass": (UserMatch(ALICE_ARN),)},
    ),
    hold(
        "a break-glass user, by UserId",
        ALICE,
        "break-glass",
        rules={"break_glass": (UserMatch(ALICE.id),)},
    ),
    hold(
        "a break-glass user, by tag",
        a_person(tags={"email": "a@example.com", "Break-Glass": "yes"}),
        "break-glass",
        rules={"break_glass": (UserMatch("break-glass=yes"),)},
    ),
    enforce(
        "another's name is not this one's",
        ALICE,
        "none",
        "has-mfa",
        rules={"break_glass": (UserMatch("alice"), UserMatch(f"arn:aws:iam::{ACCOUNT}:user/alic"))},
    ),
    hold("no address for somebody who must enrol", a_user(mfa=None), "unreached", cure="notify.find"),
    hold("no address for somebody who must change habits", a_user(keys=1), "unreached"),
    hold(
        "no address where even the unaffected are to be told",
        a_user(),
        "unreached",
        rules={"notice_for_unaffected": True},
    ),
    hold(
        "a tag that holds no address is none",
        a_user(mfa=None, tags={"email": "ask Bob"}),
        "unreached",
    ),
    enforce(
        "the user name is the address where the rules say so",
        a_person("alice@example.com", mfa=None, tags={}),
        "enrol",
        "no-mfa",
        rules={"find": (NameIsAddress(),)},
    ),
    hold(
        "the user name is no address unless the rules say so",
        a_user("alice@example.com", mfa=None),
        "unreached",
    ),
    enforce(
        "a later rule finds what an earlier one does not",
        a_person("alice@example.com", mfa=None, tags={"mail": "-"}),
        "enrol",
        "no-mfa",
        rules={"find": (AddressTag("mail"), NameIsAddress())},
    ),
    hold(
        "without rules nobody can be reached",
        a_person(mfa=None),
        "unreached",
        rules={"find": ()},
    ),
    *(
        enforce(
            f"a user by the name of {name} is judged like anybody",
            a_person(name, tags={"email": "odd@example.com"}, mfa=None),
            "enrol",
            "no-mfa",
        )
        for name in ("=cmd", "+1", "-x", "@home", "a=b,c", "no", "1e3", ".", "_", "A" * 64, "user.name@x.y")
    ),
]

UNREAD = [
    hold(
        "a fact about the user that could not be read",
        a_person(unread=["GetLoginProfile"]),
        "unknown",
        detail="GetLoginProfile could not be read: AccessDenied",
        cure="allow rollout to read the missing fact",
    ),
    hold(
        "two facts that could not be read are both told",
        a_person(unread=["devices", "access keys"]),
        "unknown",
        detail="access keys could not be read",
    ),
    hold(
        "a fact about the account that could not be read holds everybody in it",
        ALICE,
        "unknown",
        detail="service-specific credentials could not be read: AccessDenied",
        account={"unread": (Unread("service-specific credentials", "AccessDenied"),)},
    ),
    hold(
        "service control policies that could not be read",
        ALICE,
        "unknown",
        detail="service control policies could not be read",
        account={"scps": None},
    ),
    hold(
        "an unread fact and a machine are both told",
        a_person(password=False, mfa=None, keys=1, unread=["tags"]),
        "machine",
        "unknown",
    ),
    hold(
        "a user without credentials, whose keys could not be read, may well have some",
        a_person(password=False, mfa=None, unread=["access keys"]),
        "no-credentials",
        "unknown",
    ),
]

EXEMPT = {"exemptions": (an_exemption(ALICE_ARN),)}
PRECEDENCE = [
    exempt("an exemption by ARN", ALICE, rules=EXEMPT),
    exempt("an exemption by UserId", ALICE, rules={"exemptions": (an_exemption(ALICE.id),)}),
    exempt(
        "an exemption by tag",
        a_person(tags={"email": "a@example.com", "rollout": "not-yet"}),
        rules={"exemptions": (an_exemption("rollout=not-yet"),)},
    ),
    exempt(
        "an exemption on its last day",
        ALICE,
        rules={"exemptions": (an_exemption(ALICE_ARN, days=0),)},
    ),
    enforce(
        "an exemption the day after",
        ALICE,
        "none",
        "has-mfa",
        rules={"exemptions": (an_exemption(ALICE_ARN, days=-1),)},
    ),
    enforce(
        "an exemption by part of the name covers nobody",
        ALICE,
        "none",
        "has-mfa",
        rules={"exemptions": (an_exemption("alice"), an_exemption(ALICE_ARN[:-1]), an_exemption("*"))},
    ),
    exempt(
        "the day ends at midnight UTC, whatever clock is looked at",
        ALICE,
        rules={"exemptions": (an_exemption(ALICE_ARN, days=0),)},
        now=datetime(2026, 11, 25, 4, 0, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ),
    exempt(
        "exempt before covered",
        a_person(inline=(ENFORCER,)),
        rules=EXEMPT,
    ),
    exempt(
        "exempt before held, and every hold is told",
        a_user(keys=1, reset_required=True, unread=["tags"]),
        "is-operator",
        "break-glass",
        "first-sign-in",
        "unknown",
        "unreached",
        rules={
            **EXEMPT,
            "operators": frozenset({ALICE_ARN}),
            "break_glass": (UserMatch(ALICE_ARN),),
        },
    ),
    exempt(
        "exempt before held, though everything about the user is unread",
        a_person(unread=["everything"]),
        "unknown",
        rules=EXEMPT,
        account={"scps": None},
    ),
    covered(
        "covered before machine",
        a_person(password=False, mfa=None, keys=1, inline=(ENFORCER,)),
        "inline policy EnforceMfa",
        "cannot-enrol",
    ),
    covered(
        "covered before held: a Deny that is seen stands, whatever else is unread",
        a_person(inline=(ENFORCER,), mfa=None, unread=["GetLoginProfile"]),
        "inline policy EnforceMfa",
        "cannot-enrol",
    ),
    covered(
        "a Deny that is seen stands, whatever service control policies may say",
        a_person(inline=(ENFORCER,), mfa=None),
        "inline policy EnforceMfa",
        "cannot-enrol",
        account={"scps": None},
    ),
    covered(
        "covered before operator and break-glass",
        a_person(inline=(ENFORCER,), mfa=None),
        "inline policy EnforceMfa",
        "cannot-enrol",
        rules={"operators": frozenset({ALICE_ARN}), "break_glass": (UserMatch(ALICE_ARN),)},
    ),
    hold(
        "every reason to hold is told, each once",
        a_user(password=False, mfa=None, keys=2, services=["bedrock"], unread=["tags", "devices"]),
        "is-operator",
        "machine",
        "unknown",
        "cannot-enrol",
        "unreached",
        rules={"operators": frozenset({ALICE_ARN})},
        account={"scps": ((NamedPolicy("NoIam", {"Version": "2012-10-17", "Statement": [deny("iam:*")]}),),)},
    ),
]


@pytest.mark.parametrize(
    "row",
    [*ENFORCED, *KEYS, *MACHINES, *PASSWORDS, *PEOPLE, *UNREAD, *PRECEDENCE],
    ids=lambda row: row.says,
)
def test_is_judged_as_the_row_says(row: Row):
    check(row)


def test_the_longest_living_exemption_is_named():
    rules = the_rules(exemptions=(an_exemption(ALICE_ARN, days=5), an_exemption(ALICE.id, days=50)))
    assert judged(ALICE, rules=rules).exempt_until == an_exemption(ALICE_ARN, days=50).expires


def test_a_hold_names_each_cure_once():
    verdict = judged(a_user(mfa=None, unread=["tags", "devices"]))
    assert verdict.cure.count("allow rollout to read the missing fact") == 1
    assert "notify.find" in verdict.cure


def test_every_reason_tells_when_its_fact_was_seen():
    verdict = judged(a_person(mfa=None, keys=1))
    assert [reason.seen_at for reason in verdict.reasons] == [days_ago(1 / 24)] * 2


@pytest.mark.parametrize(
    "user",
    [ALICE, BACKUP, a_person(inline=(ENFORCER,)), a_user(mfa=None)],
    ids=["enforce", "machine", "covered", "hold"],
)
def test_every_verdict_names_the_address_where_there_is_one(user):
    assert judged(user).address == user.tags.get("email", "")


# Judged as if our own policies were absent; enforced is a separate fact (design.md#verdicts).
OURS = ours_in_place()
WIDENED = OURS | {
    "policies": (
        a_versioned(
            "ForceMFA",
            DOCUMENTS.brake,
            a_document(deny_all_but(*LEFT_OPEN, "secretsmanager:*", when=NO_MFA)),
            default=2,
        ),
    )
}
BRAKED = ours_in_place(default=1)
BY_GROUP = "ForceMFA (group ForceMFA)"
OURS_ARN = f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFA"
STANDING = [
    enforce(
        "a user under our policy keeps the verdict",
        a_person(groups=("ForceMFA",)),
        "none",
        "has-mfa",
        account=OURS,
        enforced_by=BY_GROUP,
    ),
    enforce(
        "our policy attached to the user itself",
        a_person(attached=(OURS_ARN,)),
        "none",
        "has-mfa",
        account=OURS,
        enforced_by="ForceMFA (attached to the user)",
    ),
    enforce(
        "a machine whose owner decided keeps the verdict under our policy",
        a_person("backup", password=False, mfa=None, keys=1, groups=("ForceMFA",)),
        "enrol",
        "no-mfa",
        "keys-in-use",
        "owner-decided",
        account=OURS,
        rules={"enforce_machines": (UserMatch(f"arn:aws:iam::{ACCOUNT}:user/backup"),)},
        enforced_by=BY_GROUP,
    ),
    hold(
        "a machine under our policy is held, and enforced all the same",
        a_person(password=False, mfa=None, keys=1, groups=("ForceMFA",)),
        "machine",
        account=OURS,
        enforced_by=BY_GROUP,
    ),
    exempt(
        "an exempt user under our policy is to be let out",
        a_person(groups=("ForceMFA",)),
        account=OURS,
        rules=EXEMPT,
        enforced_by=BY_GROUP,
    ),
    enforce(
        "our policy does not enforce once somebody has widened what it leaves open",
        a_person(groups=("ForceMFA",)),
        "none",
        "has-mfa",
        account=WIDENED,
    ),
    enforce(
        "a braked policy enforces nothing",
        a_person(groups=("ForceMFA",)),
        "none",
        "has-mfa",
        account=BRAKED,
    ),
    enforce(
        "a braked policy enforces nothing where it hangs on the user, either",
        a_person(attached=(OURS_ARN,)),
        "none",
        "has-mfa",
        account=BRAKED,
    ),
    enforce(
        "a user beside our group is not under it",
        ALICE,
        "none",
        "has-mfa",
        account=OURS,
    ),
    covered(
        "somebody else's Deny covers, though ours is there too, and ours is named as what enforces",
        a_person(inline=(ENFORCER,), mfa=None, groups=("ForceMFA",)),
        "inline policy EnforceMfa",
        "cannot-enrol",
        account=OURS,
        enforced_by=BY_GROUP,
    ),
    enforce(
        "an enrolment policy of ours does not make anybody covered, nor enforced",
        a_person(mfa=None, inline=(), groups=("ForceMFAEnrolment",)),
        "enrol",
        "no-mfa",
        "enrolment-policy",
        account={
            "policies": (
                a_managed("ForceMFAEnrolment", raw=the_rules().documents.enrolment, path="/rollout/"),
            ),
            "groups": (
                a_group(
                    "ForceMFAEnrolment",
                    f"arn:aws:iam::{ACCOUNT}:policy/rollout/ForceMFAEnrolment",
                    path="/rollout/",
                ),
            ),
            "ours": {"ForceMFAEnrolment"},
        },
    ),
]


@pytest.mark.parametrize("row", STANDING, ids=lambda row: row.says)
def test_what_stands_of_ours_changes_no_verdict(row: Row):
    check(row)


def test_devices_are_told_by_their_serials_alone():
    device = a_device("passkey")
    assert judged(a_person(devices=(device,))).reasons[0].detail == "MFA is on (passkey)"
