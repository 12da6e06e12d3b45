"""Finds the reasons why a user must not be enforced yet."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.people.addresses import why_nobody
from rollout.domain.people.sign_in import Weighing
from rollout.domain.verdicts.assessment import Assessment
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.machines import machine_evidence
from rollout.domain.verdicts.passwords import first_use_doubtful, password_obstacle
from rollout.domain.verdicts.verdict import Code, Impact, Reason


def holds(assessed: Assessment) -> Iterator[Reason]:
    """Find every reason to hold a user back."""
    yield from _people(assessed)
    yield from _credentials(assessed)
    yield from _machine(assessed)
    yield from _password(assessed)
    yield from _unread(assessed)
    yield from _enrolment(assessed)
    yield from _console_session(assessed)
    yield from _attachment(assessed)
    if not assessed.addressee.address and (
        assessed.impact is not Impact.NONE or assessed.account.rules.notice_for_unaffected
    ):
        user, account = assessed.user, assessed.account
        why = why_nobody(user, account.account, account.rules.find)
        yield Reason(Code.UNREACHED, why, user.rights_at)


def _people(assessed: Assessment) -> Iterator[Reason]:
    if assessed.user.arn in assessed.account.rules.operators:
        yield Reason(Code.IS_OPERATOR, "this user runs rollout, directly or through a role")
    if any(match.matches(assessed.user) for match in assessed.account.rules.break_glass):
        yield Reason(Code.BREAK_GLASS, "listed in rules.break_glass")


def _credentials(assessed: Assessment) -> Iterator[Reason]:
    user = assessed.user
    if not user.has_credentials and not assessed.account.rules.enforce_without_credentials:
        yield Reason(
            Code.NO_CREDENTIALS, "no password, no active access key, no other credential", user.facts_at
        )


def _machine(assessed: Assessment) -> Iterator[Reason]:
    rules = assessed.account.rules
    evidence = machine_evidence(assessed.user, rules, assessed.account.now)
    if evidence and not any(match.matches(assessed.user) for match in rules.enforce_machines):
        yield Reason(Code.MACHINE, "; ".join(evidence), assessed.user.facts_at)


def _password(assessed: Assessment) -> Iterator[Reason]:
    policy = assessed.account.facts.password_policy
    hard = policy is not None and policy.hard_expiry
    if assessed.scps_read and not hard and assessed.answers.password.able is Able.YES:
        # `first_password_change` is on: a new password can be set before there is a device.
        return
    obstacle = password_obstacle(
        assessed.user, policy, assessed.account.now, assessed.account.rules.lead_time
    )
    if obstacle:
        yield Reason(Code.FIRST_SIGN_IN, obstacle, assessed.user.facts_at)
    if first_use_doubtful(assessed.user):
        yield Reason(
            Code.UNKNOWN,
            "it is not known whether the password must be changed at the next sign-in",
            assessed.user.facts_at,
        )


def _unread(assessed: Assessment) -> Iterator[Reason]:
    user = assessed.user
    for unread in (*user.unread, *assessed.account.facts.unread):
        yield Reason(Code.UNKNOWN, f"{unread.fact} could not be read: {unread.why}", user.facts_at)
    if not assessed.scps_read:
        yield Reason(Code.UNKNOWN, "service control policies could not be read", user.rights_at)
    if user.has_device and user.devices is None and user.active_keys:
        yield Reason(
            Code.UNKNOWN, "it is not known whether the MFA device generates codes for the CLI", user.facts_at
        )


def _enrolment(assessed: Assessment) -> Iterator[Reason]:
    answer = assessed.answers.under_force_mfa.enrolment(console=assessed.user.password is not None)
    # AWS lets nobody who has a device manage devices without MFA (aws-facts.md#doors-and-credentials-found-later).
    if answer.able is Able.YES or assessed.user.has_device:
        return
    code = Code.CANNOT_ENROL if answer.able is Able.NO else Code.UNKNOWN
    path = assessed.user.path
    # ForceMFA allows every step to the users it covers: if an Allow is missing, the path is not covered
    # (aws-facts.md#caveats).
    missed = path != "/" and answer.only_identity
    why = f": without pathed_users, ForceMFA does not cover users with the path {path}" if missed else ""
    yield Reason(code, f"{answer.obstacle}{why}", assessed.user.rights_at)


def _console_session(assessed: Assessment) -> Iterator[Reason]:
    """Hold whoever signs in with a password where the policy may deny the console session itself.

    Without a device, nobody could enrol one there. Whoever has a device would lose the console: AWS does not document
    that these requests say whether the sign-in was with MFA (aws-facts.md#doors-and-credentials-found-later).
    """
    user, facts = assessed.user, assessed.account.facts
    sign_in = facts.sign_in
    if user.password is None or sign_in is None or assessed.account.rules.sign_in_proved:
        return
    if sign_in.state is Weighing.UNREAD:
        yield Reason(Code.UNKNOWN, sign_in.sentence, facts.read_at)
    if sign_in.state is Weighing.ON and assessed.answers.no_session:
        risk = (
            "whether AWS counts the MFA of the sign-in there is not documented"
            if user.has_device
            else "the user may get no session in which to enrol a device"
        )
        detail = f"{sign_in.sentence}: {assessed.answers.no_session}; {risk}"
        yield Reason(Code.CONSOLE_AUTHORIZATION, detail, facts.read_at)


def _attachment(assessed: Assessment) -> Iterator[Reason]:
    ours = assessed.account.ours
    if ours.other_store:
        yield Reason(Code.OTHER_STORE, ours.other_store, assessed.user.rights_at)
    elif ours.clash:
        yield Reason(Code.NAME_CLASH, ours.clash, assessed.user.rights_at)
    elif assessed.room.attachment is None:
        code = Code.NAME_CLASH if assessed.room.clash else Code.NO_SLOT
        yield Reason(code, assessed.room.why, assessed.user.rights_at)
