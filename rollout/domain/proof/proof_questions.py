"""What a question of a proof is: who asks what, signed how, and what a policy that does its work answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.proof.proof_users import ProofUser


class Expected(StrEnum):
    """An answer that a question can have."""

    ALLOWED = "allowed"
    DENIED = "denied"
    OPEN = "left open"
    """The evaluator cannot tell, since the answer turns on something that is not known beforehand."""


class SignedBy(StrEnum):
    """With what a question is signed."""

    KEY = "access key, no MFA"
    CODE = "access key, with a code in the call"
    SESSION = "session of GetSessionToken with a code"
    URL_BEFORE = "presigned URL, made before the policy was in force"
    URL_AFTER = "presigned URL, made with an MFA session"
    BROWSER = "browser, signed in without MFA"
    BROWSER_MFA = "browser, signed in with MFA"


class InForce(StrEnum):
    """What of our policy is in force for the user at that time."""

    NOTHING = "nothing"
    BRAKE = "the Allow half"
    FULL = "the full document"


BY_HAND = "by hand, in a browser"
"""The topic of what needs a person."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person is to try, and how it is known what came of it.

    `prompt` is a question to be answered by yes (allowed) or no (denied). Without one, AWS itself shows it: whether the
    user has a passkey.
    """

    tries: tuple[str, ...]
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class ProofQuestion:
    """One question: somebody calls an operation, and AWS allows or denies it.

    `needed` is what a policy that does its work has to answer, if that is certain. `about` is whom or what the call is
    about: `own`, `other` user, `device`, `second` device, `role`, or nothing. `waits`: what is in force has changed
    right before, so it is asked until it is answered as foretold, and the seconds say how long that took. `by_aws`:
    AWS answers so by a rule of its own, whatever the policies say. A proof without an answer to an `essential`
    question proves nothing. `by_hand` is for what only a person can try, in a browser or a shell.
    """

    topic: str
    user: ProofUser
    signed_by: SignedBy
    in_force: InForce
    operation: str
    action: str
    reason: str
    needed: Expected | None = None
    about: str = ""
    waits: bool = False
    essential: bool = False
    by_aws: Expected | None = None
    opt_in: str = ""
    by_hand: ByHand | None = None

    @property
    def name(self) -> str:
        """The question in a few words."""
        about = {"other": " on another user", "second": " for a second device"}.get(self.about, "")
        return f"{self.operation}{about}, {self.signed_by} ({self.user.label}; in force: {self.in_force})"
