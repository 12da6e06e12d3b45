"""The writes and the questions of a proof, in their order."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.proof.asked_services import (
    ON_OTHERS,
    PROBE,
    READS,
    THROUGH_A_SERVICE,
    TOKENS,
    HarmlessRead,
)
from rollout.domain.proof.proof_questions import Expected, InForce, ProofQuestion, SignedBy
from rollout.domain.proof.proof_steps import ProofWrite, letting_out, making, putting_under
from rollout.domain.proof.proof_users import (
    BOUNDED,
    KEY_ONLY,
    MUST_CHANGE,
    NO_DEVICE,
    PATHED,
    WITH_TOTP,
    ProofNames,
    ProofUser,
    Way,
)
from rollout.domain.proof.questions_by_hand import by_hand

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
    yield from by_hand(names)
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
