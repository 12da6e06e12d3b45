"""The words of a judgement: verdict, impact, reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Self

from rollout.domain.policy.attachment import Attachment


class Kind(StrEnum):
    """What should happen to a user. Precedence: exempt > covered > hold > enforce."""

    EXEMPT = "exempt"
    COVERED = "covered"
    HOLD = "hold"
    ENFORCE = "enforce"


class Impact(StrEnum):
    """What enforcement means to an `enforce` user, mildest first."""

    NONE = "none"
    CLI = "cli"
    ENROL = "enrol"
    PASSKEY_ONLY = "passkey-only"

    def worse_than(self, other: Impact) -> bool:
        """Tell whether a notice about `other` no longer says enough."""
        order = list(Impact)
        return order.index(self) > order.index(other)


class ReasonRow(StrEnum):
    """What a reason brings: its name, the verdict it leads to, what it means in one line, and the cure of a hold."""

    leads_to: Kind
    meaning: str
    cure: str

    def __new__(cls, name: str, leads_to: Kind = Kind.HOLD, meaning: str = "", cure: str = "") -> Self:
        """Make a member of its row. The defaults only let `Code("machine")` pass the type checker."""
        if not meaning:
            raise ValueError(f"the reason {name} lacks its meaning")
        code = str.__new__(cls, name)
        code._value_ = name
        code.leads_to, code.meaning, code.cure = leads_to, meaning, cure
        return code


class Code(ReasonRow):
    """Every reason there is, a row each: legend, docs and cures are made of them."""

    EXEMPTION = "exemption", Kind.EXEMPT, "An exemption that has not ended names this user."
    OTHER_DENY = (
        "other-deny",
        Kind.COVERED,
        "A policy that does not belong to this tool denies everything without MFA.",
    )
    MACHINE = (
        "machine",
        Kind.HOLD,
        "Looks like a machine: access keys or service credentials, and nobody who signs in.",
        "exempt it with an owner and an expiry, move it to a role, or name it in rules.enforce_machines",
    )
    FIRST_SIGN_IN = (
        "first-sign-in",
        Kind.HOLD,
        "The password must be changed at the first sign-in, which the policy would not allow.",
        "have the person sign in and set a password first, then plan again",
    )
    CANNOT_ENROL = (
        "cannot-enrol",
        Kind.HOLD,
        "The user's permissions do not allow enrolling a device.",
        "change the document named, then plan again",
    )
    NO_SLOT = (
        "no-slot",
        Kind.HOLD,
        "The user's quota of groups and policies is used up, so the policy cannot be attached.",
        "free a group or a policy slot, then plan again",
    )
    UNREACHED = (
        "unreached",
        Kind.HOLD,
        "No address is known, so nobody can be notified.",
        "give the user an e-mail tag, or add a rule to notify.find",
    )
    IS_OPERATOR = (
        "is-operator",
        Kind.HOLD,
        "Runs this tool, and must stay able to undo what it does.",
        "enforce by hand once nobody runs rollout with this user",
    )
    BREAK_GLASS = (
        "break-glass",
        Kind.HOLD,
        "An emergency user, named in rollout.yaml.",
        "none: named in rules.break_glass; guard it with an MFA device of its own",
    )
    NAME_CLASH = (
        "name-clash",
        Kind.HOLD,
        "A policy or group that does not belong to this tool has the name it needs.",
        "rename the policy or group that has our name, or choose another in policy.name / policy.group",
    )
    UNKNOWN = (
        "unknown",
        Kind.HOLD,
        "A fact that the decision needs could not be read. Missing data never counts as good news.",
        "let rollout read the fact named, or state it in rules.context, then plan again",
    )
    HAS_MFA = "has-mfa", Kind.ENFORCE, "The user has an MFA device."
    NO_MFA = "no-mfa", Kind.ENFORCE, "The user has no MFA device yet."
    NO_CREDENTIALS = (
        "no-credentials",
        Kind.ENFORCE,
        "The user has neither a password nor an active access key.",
    )
    KEYS_IN_USE = "keys-in-use", Kind.ENFORCE, "Access keys were created or used recently."
    PASSKEY_ONLY = (
        "passkey-only",
        Kind.ENFORCE,
        "The only device is a passkey, which gives no codes for the command line.",
    )
    ENROLMENT_POLICY = (
        "enrolment-policy",
        Kind.ENFORCE,
        "May not enrol a device today; the enrolment policy will be attached first.",
    )
    OWNER_DECIDED = (
        "owner-decided",
        Kind.ENFORCE,
        "Looks like a machine, but its owner decided to enforce MFA on it.",
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason with the fact behind it and when that fact was seen."""

    code: Code
    detail: str
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One request and its answer, for a person: `question` is `enrol` (with ForceMFA added) or `cover` (without)."""

    question: str
    action: str
    mfa: str
    decision: str
    because: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one user. `impact`, `via` and `forecast` are set for `enforce` only, `cure` for `hold`.

    `enforced_by` names what makes it so today, ours or not: a separate fact from the verdict (design.md#verdicts).
    """

    kind: Kind
    reasons: tuple[Reason, ...]
    impact: Impact | None = None
    attachment: Attachment | None = None
    cure: str = ""
    forecast: str = ""
    exempt_until: date | None = None
    covered_by: str = ""
    enforced_by: str = ""
    address: str = ""
    matrix: tuple[Row, ...] = ()

    @property
    def enforced_by_us(self) -> str:
        """Name what of ours enforces the user; empty where nothing does, or only policies of others."""
        return self.enforced_by if self.enforced_by != self.covered_by else ""

    @property
    def codes(self) -> tuple[Code, ...]:
        """The reasons' words, in the order in which they were found."""
        return tuple(dict.fromkeys(reason.code for reason in self.reasons))
