"""Why a user must not be enforced yet."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.verdicts.assessment import Assessment
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.machines import keys_in_use, machine_evidence
from rollout.domain.verdicts.passwords import first_use_doubtful, password_trap
from rollout.domain.verdicts.verdict import Code, Impact, Reason


def holds(assessed: Assessment) -> Iterator[Reason]:
    """Find everything that holds a user back."""
    yield from _people(assessed)
    yield from _machine(assessed)
    yield from _password(assessed)
    yield from _unread(assessed)
    yield from _enrolment(assessed)
    yield from _place(assessed)
    if not assessed.address and (
        assessed.impact is not Impact.NONE or assessed.account.rules.notice_for_unaffected
    ):
        yield Reason(Code.UNREACHED, "no address is known", assessed.user.rights_at)


def _people(assessed: Assessment) -> Iterator[Reason]:
    if assessed.user.arn in assessed.account.rules.operators:
        yield Reason(Code.IS_OPERATOR, "this run, or the role it came by, is this user's")
    if any(match.matches(assessed.user) for match in assessed.account.rules.break_glass):
        yield Reason(Code.BREAK_GLASS, "named in rules.break_glass")


def _machine(assessed: Assessment) -> Iterator[Reason]:
    evidence = machine_evidence(assessed.user, assessed.account.rules, assessed.account.now)
    decided = any(match.matches(assessed.user) for match in assessed.account.rules.enforce_machines)
    if evidence and not decided:
        yield Reason(Code.MACHINE, "; ".join(evidence), assessed.user.facts_at)


def _password(assessed: Assessment) -> Iterator[Reason]:
    policy = assessed.account.facts.password_policy
    hard = policy is not None and policy.hard_expiry
    if assessed.scps_read and not hard and assessed.answers.password.able is Able.YES:
        # `first_password_change` is on: a new password can be set before there is a device.
        return
    trap = password_trap(assessed.user, policy, assessed.account.now, assessed.account.rules.lead_time)
    if trap:
        yield Reason(Code.FIRST_SIGN_IN, trap, assessed.user.facts_at)
    if first_use_doubtful(assessed.user):
        yield Reason(
            Code.UNKNOWN, "nobody knows whether the password must be changed first", assessed.user.facts_at
        )


def _unread(assessed: Assessment) -> Iterator[Reason]:
    user = assessed.user
    for unread in (*user.unread, *assessed.account.facts.unread):
        yield Reason(Code.UNKNOWN, f"{unread.fact} could not be read: {unread.why}", user.facts_at)
    if not assessed.scps_read:
        yield Reason(Code.UNKNOWN, "service control policies could not be read", user.rights_at)
    if (
        user.has_device
        and user.devices is None
        and keys_in_use(user, assessed.account.rules, assessed.account.now)
    ):
        yield Reason(Code.UNKNOWN, "nobody knows whether the device gives codes for the CLI", user.facts_at)


def _enrolment(assessed: Assessment) -> Iterator[Reason]:
    answer = assessed.answers.under_force_mfa
    if answer.able is Able.YES:
        return
    code = Code.CANNOT_ENROL if answer.able is Able.NO else Code.UNKNOWN
    path = assessed.user.path
    # ForceMFA allows every step to those whom it names: what is missing then is the user's path (aws-facts.md#caveats).
    missed = path != "/" and answer.obstacle.endswith("identity policies")
    why = f": ForceMFA without pathed_users does not name a user with path {path}" if missed else ""
    yield Reason(code, f"{answer.obstacle}{why}", assessed.user.rights_at)


def _place(assessed: Assessment) -> Iterator[Reason]:
    clash = assessed.account.ours.clash
    if clash:
        yield Reason(Code.NAME_CLASH, clash, assessed.user.rights_at)
    elif assessed.room.attachment is None:
        code = Code.NAME_CLASH if assessed.room.clash else Code.NO_SLOT
        yield Reason(code, assessed.room.why, assessed.user.rights_at)
