"""The questions that only a person can try, in a browser or a shell."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.proof.asked_services import HarmlessRead
from rollout.domain.proof.proof_questions import BY_HAND, ByHand, Expected, InForce, ProofQuestion, SignedBy
from rollout.domain.proof.proof_users import (
    CHANGER,
    MUST_CHANGE,
    VISITOR,
    WITH_TOTP,
    ProofNames,
    ProofUser,
    Way,
)

_S3 = HarmlessRead("s3:ListBuckets", "s3:ListAllMyBuckets")
_SIGN_IN = HarmlessRead("signin:Authenticate", "signin:Authenticate")
_LOGIN = HarmlessRead("signin:CreateOAuth2Token", "signin:CreateOAuth2Token")
_PASSKEY = HarmlessRead("iam:EnableMFADevice", "iam:EnableMFADevice")
_PASSWORD = HarmlessRead("iam:ChangePassword", "iam:ChangePassword")


def by_hand(names: ProofNames) -> Iterator[ProofQuestion]:
    """Yield what only a person can try, whether somebody does or not."""
    visitor, new, changer, totp = (
        ProofUser(names.id, persona, Way.USER) for persona in (VISITOR, MUST_CHANGE, CHANGER, WITH_TOTP)
    )
    listed = "Does S3 show a list of buckets, even an empty one, without an error?"
    accepted = "Was the new password accepted?"
    passkey = (
        "In that console, open Security credentials (in the menu of your name).",
        "Assign an MFA device of the kind passkey or security key.",
    )
    login = (
        "Sign out. In a shell, run `aws login --profile rollout-proof`, and sign in with a code.",
        "Run `aws s3 ls --profile rollout-proof`, then `aws logout --profile rollout-proof`.",
    )
    yield _hand(
        visitor,
        _SIGN_IN,
        SignedBy.BROWSER,
        ByHand(("Sign in with the password.",), "Does the console open?"),
        "at the sign-in, identity policies are weighed only where console authorization is on",
        Expected.ALLOWED,
    )
    yield _hand(
        visitor,
        _S3,
        SignedBy.BROWSER,
        ByHand(("In that console, open S3.",), listed),
        "a console session without MFA is denied everything but enrolling",
        Expected.DENIED,
    )
    yield _hand(
        visitor,
        _PASSKEY,
        SignedBy.BROWSER,
        ByHand(passkey),
        "the Deny exempts enrolling a passkey too",
        Expected.ALLOWED,
    )
    yield _hand(
        visitor,
        _S3,
        SignedBy.BROWSER_MFA,
        ByHand(("Sign out, sign in again with the passkey, and open S3.",), listed),
        "a console session with a passkey carries MFA, so the Deny does not apply",
        Expected.ALLOWED,
    )
    yield _hand(
        new,
        _PASSWORD,
        SignedBy.BROWSER,
        ByHand(("Sign in with the password, and set a new one when you are asked to.",), accepted),
        "the change is denied without MFA: such users are held as first-sign-in",
    )
    yield _hand(
        changer,
        _PASSWORD,
        SignedBy.BROWSER_MFA,
        ByHand(("Sign in with the password and a code, and set a new password when asked to.",), accepted),
        "the code was given before the password is changed",
    )
    yield _hand(
        totp,
        _LOGIN,
        SignedBy.BROWSER_MFA,
        ByHand(login, "Did `aws s3 ls` end without an error?"),
        "a session of `aws login` carries the MFA of the browser session",
        Expected.ALLOWED,
    )


def _hand(
    user: ProofUser,
    read: HarmlessRead,
    signed_by: SignedBy,
    by_hand: ByHand,
    why: str,
    needed: Expected | None = None,
) -> ProofQuestion:
    return ProofQuestion(
        BY_HAND,
        user,
        signed_by,
        InForce.FULL,
        read.operation,
        read.action,
        why,
        needed,
        about="own" if read in (_PASSKEY, _PASSWORD) else "",
        by_aws=Expected.OPEN if read is _SIGN_IN else None,
        by_hand=by_hand,
    )
