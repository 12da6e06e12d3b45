"""Judges one user: pure, total, and with every reason that applied (design.md#verdicts)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from rollout.domain.people.exemptions import exemption_for
from rollout.domain.people.users import User
from rollout.domain.verdicts.case import Case, enforced_by, open_case
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.forecast import forecast
from rollout.domain.verdicts.holds import holds
from rollout.domain.verdicts.machines import keys_in_use, machine_evidence, say_key
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.surroundings import Surroundings
from rollout.domain.verdicts.verdict import Code, Impact, Kind, Reason, Verdict


def judge(user: User, account: Surroundings, rules: Rules, now: datetime) -> Verdict:
    """Judge a user as if our own policies were absent.

    Precedence is exempt > covered > hold > enforce. A needed fact that could not be read makes the user `unknown`,
    never fine.
    """
    case = open_case(user, account, rules, now)
    by_us = enforced_by(user, account, rules)
    verdict = _weigh(case)
    return replace(
        verdict,
        enforced_by=by_us or verdict.covered_by,
        address=case.address,
        matrix=case.answers.matrix if case.scps_read else (),
    )


def _weigh(case: Case) -> Verdict:
    user, rules, now = case.user, case.rules, case.now
    held = tuple(holds(case))
    exemption = exemption_for(user, rules.exemptions, now.astimezone(UTC).date())
    if exemption is not None:
        exempt = Reason(Code.EXEMPTION, exemption.sentence)
        return Verdict(Kind.EXEMPT, (exempt, *held), exempt_until=exemption.expires)
    if case.covered_by:
        by = ", ".join(case.covered_by)
        denied = Reason(Code.OTHER_DENY, f"everything is denied without MFA by {by}", user.rights_at)
        return Verdict(Kind.COVERED, (denied, *_trapped(case)), covered_by=by)
    if held:
        cure = "; ".join(dict.fromkeys(reason.code.cure for reason in held))
        return Verdict(Kind.HOLD, held, cure=cure)
    return Verdict(
        Kind.ENFORCE,
        tuple(_enforcing(case)),
        impact=case.impact,
        attachment=case.room.attachment,
        forecast=forecast(user, case.impact, keys_in_use(user, rules, now), now),
    )


def _trapped(case: Case) -> Iterator[Reason]:
    """Say when a covered user cannot enrol: nothing of ours is added there, so today's rights decide."""
    today = case.answers.today
    if today.able is Able.NO:
        yield Reason(Code.CANNOT_ENROL, today.obstacle, case.user.rights_at)


def _enforcing(case: Case) -> Iterator[Reason]:
    user = case.user
    if user.password is None and not user.active_keys and not user.active_services:
        yield Reason(Code.NO_CREDENTIALS, "neither password nor active key", user.facts_at)
    elif user.has_device:
        kinds = ", ".join(user.device_kinds) or "kind not looked at"
        yield Reason(Code.HAS_MFA, f"MFA is on ({kinds})", user.facts_at)
    else:
        yield Reason(Code.NO_MFA, "no device yet", user.facts_at)
    used = keys_in_use(user, case.rules, case.now)
    if used:
        told = ", ".join(say_key(key, case.now) for key in used)
        yield Reason(Code.KEYS_IN_USE, told, user.facts_at)
    if case.impact is Impact.PASSKEY_ONLY:
        yield Reason(Code.PASSKEY_ONLY, "a passkey gives no codes for the CLI", user.facts_at)
    if case.needs_help:
        yield Reason(
            Code.ENROLMENT_POLICY,
            "may not enrol a device today: the enrolment policy comes first",
            user.rights_at,
        )
    if machine_evidence(user, case.rules, case.now):
        yield Reason(Code.OWNER_DECIDED, "looks like a machine; its owner decided in rules.enforce_machines")
