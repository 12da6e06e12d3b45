"""The questions of a proof, in the order in which they are asked, between the writes that they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.proof.asked_services import (
    ON_OTHERS,
    PROBE,
    READS,
    THROUGH_A_SERVICE,
    TOKENS,
    HarmlessRead,
)
from rollout.domain.proof.proof_steps import ProofWrite, letting_out, making, putting_under
from rollout.domain.proof.proof_users import (
    BOUNDED,
    CHANGER,
    KEY_ONLY,
    MUST_CHANGE,
    NO_DEVICE,
    PATHED,
    VISITOR,
    WITH_TOTP,
    ProofNames,
    ProofUser,
    Way,
)


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


ENROLLING = (
    ("iam:GetUser", "own"),
    ("iam:ListVirtualMFADevices", ""),
    ("iam:CreateVirtualMFADevice", "device"),
    ("iam:ResyncMFADevice", "own"),
    ("iam:EnableMFADevice", "own"),
    ("iam:ListMFADevices", "own"),
)
"""Every step of enrolling, in order. Resyncing is asked before there is anything to resync: AWS checks rights first."""
_SECOND = "since 2023, AWS lets nobody who has a device manage devices without MFA"
_FREE = "Cloud Control API; AWS charges nothing for listing its own resource types"


def script(names: ProofNames, *, through_service: bool = False) -> Iterator[ProofWrite | ProofQuestion]:
    """Yield the writes and the questions of a proof, in order. What it has made is to be removed after that."""
    yield from making(names)
    yield from _before(names)
    yield from _without_mfa(names)
    yield from _with_mfa(names, through_service=through_service)
    yield from _by_hand(names)
    yield from _brake_and_release(names)


def questions(names: ProofNames, *, through_service: bool = False) -> tuple[ProofQuestion, ...]:
    """Return the questions alone."""
    steps = script(names, through_service=through_service)
    return tuple(step for step in steps if isinstance(step, ProofQuestion))


def _before(names: ProofNames) -> Iterator[ProofWrite | ProofQuestion]:
    why = "nothing denies it yet: without this answer, a denial later would show nothing"
    for user in names.users:
        yield _probe("before", user, InForce.NOTHING, Expected.ALLOWED, why)
    yield _url(_who(names, NO_DEVICE.name, Way.USER), InForce.NOTHING, Expected.ALLOWED, why)
    for user in names.users:
        if user.persona.early:
            why = "the enrolment policy lets users enrol who could not"
            yield from _enrolling(user, InForce.NOTHING, why)


def _without_mfa(names: ProofNames) -> Iterator[ProofWrite | ProofQuestion]:
    for user in names.users:
        yield putting_under(names, user)
    why = "the Deny is in force: how long it takes until it is felt is measured"
    for user in names.users:
        yield _probe("attach and deny", user, InForce.FULL, Expected.DENIED, why)
    why = "nothing but enrolling is allowed without MFA"
    for user in names.users:
        if user.persona in (NO_DEVICE, WITH_TOTP):
            for read in READS[1:]:
                yield _read("reads without MFA", user, SignedBy.KEY, read, Expected.DENIED, why)
        if user.persona is NO_DEVICE:
            yield from _of_others(user)
            for token in TOKENS:
                why_not = "another way to a session or a token; it is not exempt from the Deny"
                yield _read("tokens without MFA", user, SignedBy.KEY, token, Expected.DENIED, why_not)
            yield _assume_role(user, SignedBy.KEY, Expected.DENIED, "AssumeRole is not exempt from the Deny")
        if user.persona in (NO_DEVICE, PATHED, KEY_ONLY):
            yield from _enrolling(user, InForce.FULL, "the Deny exempts every step of enrolling")
        if user.persona is BOUNDED:
            why_not = "the boundary does not allow it: such users are held as cannot-enrol"
            yield from _enrolling(user, InForce.FULL, why_not, needed=None)
        if user.persona is MUST_CHANGE:
            yield ProofQuestion(
                "password change without MFA",
                user,
                SignedBy.KEY,
                InForce.FULL,
                "iam:ChangePassword",
                "iam:ChangePassword",
                "such users are held as first-sign-in, unless policy.amendments.first_password_change is on",
                about="own",
            )
        if user.persona is WITH_TOTP:
            yield _second(
                user, "iam:CreateVirtualMFADevice", "second", "it becomes a device only when enabled"
            )
            yield _second(user, "iam:EnableMFADevice", "second", _SECOND, Expected.DENIED)
    why = "a URL is weighed when it is used, not when it is made"
    yield _url(_who(names, NO_DEVICE.name, Way.USER), InForce.FULL, Expected.DENIED, why)


def _with_mfa(names: ProofNames, *, through_service: bool) -> Iterator[ProofQuestion]:
    why = "a session with a code carries MFA, so the Deny does not apply"
    for user in names.users:
        if user.persona is KEY_ONLY:
            yield _assume_role(
                user, SignedBy.CODE, Expected.ALLOWED, "a code in the call counts for the call"
            )
        elif user.persona.enrols:
            yield ProofQuestion(
                "session with a code",
                user,
                SignedBy.CODE,
                InForce.FULL,
                "sts:GetSessionToken",
                "sts:GetSessionToken",
                "it needs no permission, and the Deny exempts it",
                Expected.ALLOWED,
                essential=True,
            )
            reads = READS if user.persona in (NO_DEVICE, WITH_TOTP) else (PROBE,)
            for read in reads:
                yield _read("reads with MFA", user, SignedBy.SESSION, read, Expected.ALLOWED, why)
    user = _who(names, WITH_TOTP.name, Way.USER)
    yield _url(user, InForce.FULL, Expected.ALLOWED, why, SignedBy.URL_AFTER)
    if through_service:
        acting = "a service that acts for a user passes the session's MFA on"
        yield _read(
            "through a service", user, SignedBy.SESSION, THROUGH_A_SERVICE, Expected.ALLOWED, acting, _FREE
        )


_S3 = HarmlessRead("s3:ListBuckets", "s3:ListAllMyBuckets")
_SIGN_IN = HarmlessRead("signin:Authenticate", "signin:Authenticate")
_LOGIN = HarmlessRead("signin:CreateOAuth2Token", "signin:CreateOAuth2Token")
_PASSKEY = HarmlessRead("iam:EnableMFADevice", "iam:EnableMFADevice")
_PASSWORD = HarmlessRead("iam:ChangePassword", "iam:ChangePassword")


def _by_hand(names: ProofNames) -> Iterator[ProofQuestion]:
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
        "by hand, in a browser",
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


def _brake_and_release(names: ProofNames) -> Iterator[ProofWrite | ProofQuestion]:
    both = [user for user in names.users if user.persona is NO_DEVICE]
    yield ProofWrite("SetDefaultPolicyVersion", names.policy, "the Allow half")
    for user in both:
        why = "the Allow half denies nothing: how long the brake takes is measured"
        yield _probe("brake", user, InForce.BRAKE, Expected.ALLOWED, why)
    yield ProofWrite("SetDefaultPolicyVersion", names.policy, "the full document")
    for user in both:
        why = "the brake is let go: how long it takes until it is felt is measured"
        yield _probe("end of the brake", user, InForce.FULL, Expected.DENIED, why)
    for user in both:
        yield letting_out(names, user)
    for user in both:
        why = "the user is released: how long it takes until it is felt is measured"
        yield _probe("release and allow", user, InForce.NOTHING, Expected.ALLOWED, why)


def _who(names: ProofNames, persona: str, way: Way) -> ProofUser:
    return next(user for user in names.users if user.persona.name == persona and user.way is way)


def _probe(topic: str, user: ProofUser, in_force: InForce, needed: Expected, why: str) -> ProofQuestion:
    return ProofQuestion(
        topic,
        user,
        SignedBy.KEY,
        in_force,
        PROBE.operation,
        PROBE.action,
        why,
        needed,
        waits=True,
        essential=True,
    )


def _read(
    topic: str,
    user: ProofUser,
    signed_by: SignedBy,
    read: HarmlessRead,
    needed: Expected,
    why: str,
    opt_in: str = "",
) -> ProofQuestion:
    return ProofQuestion(
        topic,
        user,
        signed_by,
        InForce.FULL,
        read.operation,
        read.action,
        why,
        needed,
        waits=read in READS,
        essential=read is PROBE,
        opt_in=opt_in,
    )


def _url(
    user: ProofUser,
    in_force: InForce,
    needed: Expected,
    why: str,
    signed_by: SignedBy = SignedBy.URL_BEFORE,
) -> ProofQuestion:
    read = READS[1]
    return ProofQuestion(
        "presigned URLs", user, signed_by, in_force, read.operation, read.action, why, needed, waits=True
    )


def _enrolling(
    user: ProofUser, in_force: InForce, why: str, needed: Expected | None = Expected.ALLOWED
) -> Iterator[ProofQuestion]:
    for operation, about in ENROLLING:
        yield ProofQuestion(
            "enrolling without MFA",
            user,
            SignedBy.KEY,
            in_force,
            operation,
            operation,
            why,
            needed,
            about=about,
            essential=needed is not None,
        )


def _of_others(user: ProofUser) -> Iterator[ProofQuestion]:
    for action in (*ON_OTHERS, "iam:ListMFADevices"):
        why = "somebody else's devices and keys are nobody's business without MFA"
        yield ProofQuestion(
            "other people's devices and keys",
            user,
            SignedBy.KEY,
            InForce.FULL,
            action,
            action,
            why,
            Expected.DENIED,
            about="other",
        )


def _assume_role(user: ProofUser, signed_by: SignedBy, needed: Expected, why: str) -> ProofQuestion:
    return ProofQuestion(
        "AssumeRole",
        user,
        signed_by,
        InForce.FULL,
        "sts:AssumeRole",
        "sts:AssumeRole",
        why,
        needed,
        about="role",
    )


def _second(
    user: ProofUser, action: str, about: str, why: str, by_aws: Expected = Expected.OPEN
) -> ProofQuestion:
    return ProofQuestion(
        "second device without MFA",
        user,
        SignedBy.KEY,
        InForce.FULL,
        action,
        action,
        why,
        about=about,
        by_aws=by_aws,
    )


__all__ = [
    "ENROLLING",
    "Expected",
    "InForce",
    "ProofQuestion",
    "SignedBy",
    "questions",
    "script",
]
