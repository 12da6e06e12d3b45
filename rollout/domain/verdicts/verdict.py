"""The words of a judgement: verdict, impact, reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

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


class Code(StrEnum):
    """Every reason there is. The first five words of a `because:` list in the plan come from here."""

    EXEMPTION = "exemption"
    OTHER_DENY = "other-deny"
    MACHINE = "machine"
    FIRST_SIGN_IN = "first-sign-in"
    CANNOT_ENROL = "cannot-enrol"
    NO_SLOT = "no-slot"
    UNREACHED = "unreached"
    IS_OPERATOR = "is-operator"
    BREAK_GLASS = "break-glass"
    NAME_CLASH = "name-clash"
    UNKNOWN = "unknown"
    HAS_MFA = "has-mfa"
    NO_MFA = "no-mfa"
    NO_CREDENTIALS = "no-credentials"
    KEYS_IN_USE = "keys-in-use"
    PASSKEY_ONLY = "passkey-only"
    ENROLMENT_POLICY = "enrolment-policy"
    OWNER_DECIDED = "owner-decided"


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
