"""Defines what a verdict says: kind, impact, reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self

from rollout.domain.people.addresses import NOBODY, Addressee
from rollout.domain.people.users import DeviceKind
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.our_resources import OTHER_STORE_CURE


class Kind(StrEnum):
    """What should happen to a user. Precedence: exempt > covered > hold > enforce."""

    EXEMPT = "exempt"
    COVERED = "covered"
    HOLD = "hold"
    ENFORCE = "enforce"


class Impact(StrEnum):
    """What enforcement means for an `enforce` user, mildest first."""

    NONE = "none"
    CLI = "cli"
    ENROL = "enrol"
    PASSKEY_ONLY = "passkey-only"

    def worse_than(self, other: Impact) -> bool:
        """Tell whether a notice about `other` understates this impact."""
        order = list(Impact)
        return order.index(self) > order.index(other)


class ReasonRow(StrEnum):
    """The attributes of a reason: its name, its verdict, its meaning in one line, and the cure of a hold."""

    leads_to: Kind
    meaning: str
    cure: str

    def __new__(cls, name: str, leads_to: Kind = Kind.HOLD, meaning: str = "", cure: str = "") -> Self:
        """Make a member from its row. The defaults exist only so that `Code("machine")` type-checks."""
        if not meaning:
            raise ValueError(f"the reason {name} lacks its meaning")
        code = str.__new__(cls, name)
        code._value_ = name
        code.leads_to, code.meaning, code.cure = leads_to, meaning, cure
        return code


class Code(ReasonRow):
    """Every reason, one row each; the legend, the docs and the cures come from here."""

    EXEMPTION = "exemption", Kind.EXEMPT, "An exemption that is still valid names this user."
    OTHER_DENY = (
        "other-deny",
        Kind.COVERED,
        "A policy that does not belong to this tool denies everything without MFA.",
    )
    MACHINE = (
        "machine",
        Kind.HOLD,
        "The user looks like a machine: nobody signs in with it, or a machine uses its access keys.",
        "exempt it with an owner and an expiry date, move the workload to a role, or list it in rules.enforce_machines",
    )
    FIRST_SIGN_IN = (
        "first-sign-in",
        Kind.HOLD,
        "The password must be changed at the next sign-in, which the policy would not allow.",
        "have the user sign in and set a new password, then plan again",
    )
    CANNOT_ENROL = (
        "cannot-enrol",
        Kind.HOLD,
        "The user's permissions do not allow enrolling a device.",
        "correct the policy that the reason names, then plan again",
    )
    NO_SLOT = (
        "no-slot",
        Kind.HOLD,
        "The user's quota of groups and policies is used up, so the policy cannot be attached.",
        "free a group or policy slot of the user or the account, then plan again",
    )
    UNREACHED = (
        "unreached",
        Kind.HOLD,
        "No address is known, so nobody can be notified.",
        "name an address (`rollout notices --unreached FILE` writes a list to fill in), or add a rule to notify.find",
    )
    IS_OPERATOR = (
        "is-operator",
        Kind.HOLD,
        "The user runs this tool and must stay able to undo its changes.",
        "enforce MFA by hand once this user no longer runs rollout",
    )
    BREAK_GLASS = (
        "break-glass",
        Kind.HOLD,
        "The user is an emergency user, listed in rollout.yaml.",
        "none needed: the user stays out of the rollout; protect it with an MFA device of its own",
    )
    NAME_CLASH = (
        "name-clash",
        Kind.HOLD,
        "A policy or group that does not belong to this tool has the name it needs.",
        "have what has this name removed (IAM renames no policies), or choose another policy.name or policy.group",
    )
    OTHER_STORE = (
        "other-store",
        Kind.HOLD,
        "This tool has made its policy here from another store, whose journal knows who is enforced.",
        OTHER_STORE_CURE,
    )
    UNKNOWN = (
        "unknown",
        Kind.HOLD,
        "A fact that the decision needs could not be read. Missing data never counts as good news.",
        "allow rollout to read the missing fact, or supply it in rules.context, then plan again",
    )
    NO_CREDENTIALS = (
        "no-credentials",
        Kind.HOLD,
        "The user cannot sign in or sign a request, so nobody can enrol a device for it before it gets a password.",
        "delete the user if nobody needs it, plan again once it has a password, or set rules.no_credentials: enforce",
    )
    CONSOLE_AUTHORIZATION = (
        "console-authorization",
        Kind.HOLD,
        "AWS Sign-In weighs identity policies in this account, so the policy may deny the console session itself.",
        "try the sign-in of a test user under the policy, then set rules.console_authorization: proved",
    )
    HAS_MFA = "has-mfa", Kind.ENFORCE, "The user has an MFA device."
    NO_MFA = "no-mfa", Kind.ENFORCE, "The user has no MFA device yet."
    KEYS_IN_USE = "keys-in-use", Kind.ENFORCE, "Access keys were created or used recently."
    IDLE_KEYS = (
        "idle-keys",
        Kind.ENFORCE,
        "Access keys are active, but have not been used for longer than rules.keys_in_use_days.",
    )
    KEYS_OF_A_PERSON = (
        "keys-of-a-person",
        Kind.ENFORCE,
        "The calls of the access keys are those of a person, by CloudTrail or the imported file.",
    )
    PASSKEY_ONLY = (
        "passkey-only",
        Kind.ENFORCE,
        "The only device is a passkey, which gives no codes for the command line.",
    )
    ENROLMENT_POLICY = (
        "enrolment-policy",
        Kind.ENFORCE,
        "The user may not enrol a device today, so the enrolment policy is attached first.",
    )
    PASSKEY_WAY = (
        "passkey-way",
        Kind.ENFORCE,
        "The user may not register an authenticator app, so only a passkey or security key, on the console.",
    )
    OWNER_DECIDED = (
        "owner-decided",
        Kind.ENFORCE,
        "The user looks like a machine, but its owner decided to enforce MFA on it.",
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with the fact behind it and when that fact was read."""

    code: Code
    detail: str
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One request and its answer, for people.

    `question` is `cover` (as things are), or with ForceMFA added `enrol` (an authenticator app), `passkey`, `aws-login`
    or `session` (at the sign-in to the console).
    """

    question: str
    action: str
    mfa: str
    decision: str
    because: str


class EnrolmentWay(StrEnum):
    """A kind of device that a user can register without help (aws-facts.md#cli-after-enforcement)."""

    APP = "authenticator-app"
    PASSKEY = "passkey"
    """A passkey or security key: registered on the console only, and it gives no codes for the command line."""


@dataclass(frozen=True, slots=True)
class KeyOutlook:
    """What a notice says of one active access key: what IAM last saw it used for, and what its calls were.

    `denied` are the operations without MFA that ForceMFA would have denied, the most frequent first, of `operations` in
    all, and `last_denied` is the day of the last one (UTC). `agents` and `addresses` say what called, and from where.
    All of these are empty where nobody looked at the calls.
    """

    label: str
    last_used: datetime | None = None
    service: str = ""
    region: str = ""
    denied: tuple[str, ...] = ()
    operations: int = 0
    last_denied: date | None = None
    agents: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """What the steps that fit one user depend on, so that a notice promises nothing that would not work.

    `ways` are the kinds of devices that the user can register under ForceMFA; empty for users who need none.
    `enrols_by_keys` says that an authenticator app can also be registered on the command line. `serials`
    name the devices that give codes for the command line, and `without_mfa` the active credentials whose requests can
    never carry MFA. `aws_login` says that the user may use `aws login`. `password_expires` is set if the user would
    find the password expired, and could not change it. `machine`: the owner agreed to enforcement. `keys` has the
    active access keys one by one; it is empty in plans of earlier versions, which only count them.
    """

    console: bool = False
    active_keys: int = 0
    device_kinds: tuple[DeviceKind, ...] = ()
    serials: tuple[str, ...] = ()
    ways: tuple[EnrolmentWay, ...] = ()
    enrols_by_keys: bool = False
    aws_login: bool = False
    without_mfa: tuple[str, ...] = ()
    password_expires: datetime | None = None
    machine: bool = False
    keys: tuple[KeyOutlook, ...] = ()

    @property
    def sms_only(self) -> bool:
        """Whether the only devices are phones that got codes by SMS, which AWS no longer supports."""
        return set(self.device_kinds) == {DeviceKind.SMS}


NOTHING_KNOWN = Situation()
"""The situation of users who are not to be enforced, and of all users in plans of earlier versions."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one user.

    `impact`, `attachment`, `forecast` and `situation` are set for `enforce` only, `cure` for `hold`.

    `enforced_by` names the policy that enforces MFA today, ours or not, whatever the verdict (design.md#verdicts).
    """

    kind: Kind
    reasons: tuple[Reason, ...]
    impact: Impact | None = None
    attachment: Attachment | None = None
    cure: str = ""
    forecast: str = ""
    situation: Situation = NOTHING_KNOWN
    exempt_until: date | None = None
    covered_by: str = ""
    enforced_by: str = ""
    addressee: Addressee = NOBODY
    matrix: tuple[MatrixRow, ...] = ()

    @property
    def address(self) -> str:
        """The address that notices go to; empty if none is known."""
        return self.addressee.address

    @property
    def enforced_by_us(self) -> str:
        """Name the policy through which this tool enforces MFA; empty if none does, or only policies of others."""
        return self.enforced_by if self.enforced_by != self.covered_by else ""

    @property
    def codes(self) -> tuple[Code, ...]:
        """The codes of the reasons, each once, in the order in which they were found."""
        return tuple(dict.fromkeys(reason.code for reason in self.reasons))

    @property
    def harmed_by_enforcement(self) -> bool:
        """Tell whether a held user who is under the policy already should be released.

        Nobody uses a user without any credential: whoever has left the company is held, and may stay where they are.
        """
        if self.kind is not Kind.HOLD:
            return False
        matters = {Code.UNKNOWN, Code.IS_OPERATOR, Code.BREAK_GLASS} & set(self.codes)
        return bool(matters) or Code.NO_CREDENTIALS not in self.codes
