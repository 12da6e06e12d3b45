"""The record of one proof: what was asked, what was foretold, what AWS answered, and what it proves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.domain.people.sign_in import Weighing
from rollout.domain.proof.comparing import Agreement, Answered, HowAnswered
from rollout.domain.proof.proof_questions import BY_HAND, SignedBy

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class ProofRecord:
    """One proof. `policy` is the digest of the documents and their names, as plans have it.

    `console` says whether console authorization is on for the account.
    """

    id: str
    at: datetime
    organization_id: str
    partition: str
    account_id: str
    account_name: str
    caller: str
    policy: str
    version: str
    answers: tuple[Answered, ...]
    console: str = ""
    schema: int = SCHEMA

    @property
    def bad(self) -> tuple[Answered, ...]:
        """The answers after which nobody should come under this policy."""
        return tuple(one for one in self.answers if one.agreement.is_bad)

    @property
    def differing(self) -> tuple[Answered, ...]:
        """The answers that the evaluator foretold otherwise."""
        return tuple(one for one in self.answers if one.agreement is Agreement.DIFFERS)

    @property
    def unanswered(self) -> tuple[Answered, ...]:
        """The questions without whose answers it proves nothing."""
        none = (Agreement.UNASKED, Agreement.NOT_TRIED)
        return tuple(one for one in self.answers if one.essential and one.agreement in none)

    @property
    def stem(self) -> str:
        """The stem of its file name."""
        return f"{self.at:%Y-%m-%d}-{self.id}"


def about_sign_in(record: ProofRecord) -> str:
    """Say what the steps in a browser settle of `rules.console_authorization`; empty where it is not on.

    `prove` changes no settings: that people get a console session stays the statement of whoever has seen it.
    """
    if not record.console.startswith(f"console authorization is {Weighing.ON}"):
        return ""
    without_device = _by_hand(record, "signin:Authenticate", SignedBy.BROWSER)
    with_device = _by_hand(record, "s3:ListBuckets", SignedBy.BROWSER_MFA)
    if HowAnswered.DENIED in (without_device, with_device):
        return "A sign-in led to no console session that works: leave rules.console_authorization at hold."
    if without_device is with_device is HowAnswered.ALLOWED:
        return "Console sessions opened, without a device and with: rules.console_authorization may be set to proved."
    return (
        "Whether people get a console session was not tried: `rollout prove --guided` walks you through it."
    )


def _by_hand(record: ProofRecord, operation: str, signed_by: SignedBy) -> HowAnswered:
    for one in record.answers:
        if one.topic == BY_HAND and one.operation == operation and one.signed_by == signed_by:
            return HowAnswered(one.answered)
    return HowAnswered.NOT_TRIED


def without_account(text: str, record: ProofRecord) -> str:
    """Take the ids of account, organization and proof, and the caller, out of a text that is to be sent to others."""
    for hidden, shown in (
        (record.account_id, "ACCOUNT"),
        (record.organization_id, "ORGANIZATION"),
        (record.caller, "CALLER"),
        (record.id, "PROOF"),
    ):
        text = text.replace(hidden, shown) if hidden else text
    return text


def sentence_of(answered: Answered) -> str:
    """Name what was foretold and what AWS answered, in one sentence."""
    where = f", request {answered.request_id}" if answered.request_id else ""
    code = f" ({answered.code})" if answered.code else ""
    said = f"AWS {answered.answered} it{code}{where}"
    match answered.agreement:
        case Agreement.DIFFERS:
            return f"{answered.question}: foretold {answered.expected} ({answered.because}); {said}"
        case Agreement.WRONG:
            return (
                f"{answered.question}: {said}, as these documents say ({answered.because}); {answered.reason}"
            )
        case Agreement.UNASKED:
            why = answered.detail or answered.code
            return f"{answered.question}: could not be asked ({why})"
        case Agreement.AGREED | Agreement.NOT_TRIED:
            return f"{answered.question}: {answered.agreement}"
