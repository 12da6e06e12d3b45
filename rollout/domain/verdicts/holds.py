"""Why a user must not be enforced yet."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.verdicts.case import Case
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.machines import keys_in_use, machine_evidence
from rollout.domain.verdicts.passwords import first_use_doubtful, password_trap
from rollout.domain.verdicts.verdict import Code, Impact, Reason


def holds(case: Case) -> Iterator[Reason]:
    """Find everything that holds a user back."""
    yield from _people(case)
    yield from _machine(case)
    yield from _password(case)
    yield from _unread(case)
    yield from _enrolment(case)
    yield from _place(case)
    if not case.address and (case.impact is not Impact.NONE or case.rules.notice_for_unaffected):
        yield Reason(Code.UNREACHED, "no address is known", case.user.rights_at)


def _people(case: Case) -> Iterator[Reason]:
    if case.user.arn in case.rules.operators:
        yield Reason(Code.IS_OPERATOR, "this run, or the role it came by, is this user's")
    if any(match.matches(case.user) for match in case.rules.break_glass):
        yield Reason(Code.BREAK_GLASS, "named in rules.break_glass")


def _machine(case: Case) -> Iterator[Reason]:
    evidence = machine_evidence(case.user, case.rules, case.now)
    decided = any(match.matches(case.user) for match in case.rules.enforce_machines)
    if evidence and not decided:
        yield Reason(Code.MACHINE, "; ".join(evidence), case.user.facts_at)


def _password(case: Case) -> Iterator[Reason]:
    policy = case.account.observed.facts.password_policy
    hard = policy is not None and policy.hard_expiry
    if case.scps_read and not hard and case.answers.password.able is Able.YES:
        # `first_password_change` is on: a new password can be set before there is a device.
        return
    trap = password_trap(case.user, policy, case.now, case.rules.lead_time)
    if trap:
        yield Reason(Code.FIRST_SIGN_IN, trap, case.user.facts_at)
    if first_use_doubtful(case.user):
        yield Reason(
            Code.UNKNOWN, "nobody knows whether the password must be changed first", case.user.facts_at
        )


def _unread(case: Case) -> Iterator[Reason]:
    user = case.user
    for unread in (*user.unread, *case.account.observed.facts.unread):
        yield Reason(Code.UNKNOWN, f"{unread.fact} could not be read: {unread.why}", user.facts_at)
    if not case.scps_read:
        yield Reason(Code.UNKNOWN, "service control policies could not be read", user.rights_at)
    if user.has_device and user.devices is None and keys_in_use(user, case.rules, case.now):
        yield Reason(Code.UNKNOWN, "nobody knows whether the device gives codes for the CLI", user.facts_at)


def _enrolment(case: Case) -> Iterator[Reason]:
    answer = case.answers.under_force_mfa
    if answer.able is Able.YES:
        return
    code = Code.CANNOT_ENROL if answer.able is Able.NO else Code.UNKNOWN
    path = case.user.path
    # ForceMFA allows every step to those whom it names: what is missing then is the user's path (aws-facts.md#caveats).
    missed = path != "/" and answer.obstacle.endswith("identity policies")
    why = f": ForceMFA without pathed_users does not name a user with path {path}" if missed else ""
    yield Reason(code, f"{answer.obstacle}{why}", case.user.rights_at)


def _place(case: Case) -> Iterator[Reason]:
    clash = case.account.standing.clash
    if clash:
        yield Reason(Code.NAME_CLASH, clash, case.user.rights_at)
    elif case.room.attachment is None:
        code = Code.NAME_CLASH if case.room.clash else Code.NO_SLOT
        yield Reason(code, case.room.why, case.user.rights_at)
