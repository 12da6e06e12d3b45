"""Judges one user: pure, total, and with every reason that applied (design.md#verdicts)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

from rollout.domain.people.exemptions import exemption_for
from rollout.domain.people.users import User
from rollout.domain.verdicts.assessment import Assessment, assess, enforced_by
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.forecast import forecast
from rollout.domain.verdicts.holds import holds
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.machines import keys_in_use, machine_evidence, say_key
from rollout.domain.verdicts.verdict import Code, Impact, Kind, Reason, Verdict


def judge(user: User, account: JudgedAccount) -> Verdict:
    """Judge a user as if our own policies were absent.

    Precedence is exempt > covered > hold > enforce. A needed fact that could not be read makes the user `unknown`,
    never fine.
    """
    assessed = assess(user, account)
    by_us = enforced_by(user, account)
    verdict = _weigh(assessed)
    return replace(
        verdict,
        enforced_by=by_us or verdict.covered_by,
        address=assessed.address,
        matrix=assessed.answers.matrix if assessed.scps_read else (),
    )


def _weigh(assessed: Assessment) -> Verdict:
    user, rules, now = assessed.user, assessed.account.rules, assessed.account.now
    held = tuple(holds(assessed))
    exemption = exemption_for(user, rules.exemptions, now.astimezone(UTC).date())
    if exemption is not None:
        exempt = Reason(Code.EXEMPTION, exemption.sentence)
        return Verdict(Kind.EXEMPT, (exempt, *held), exempt_until=exemption.expires)
    if assessed.covered_by:
        by = ", ".join(assessed.covered_by)
        denied = Reason(Code.OTHER_DENY, f"everything is denied without MFA by {by}", user.rights_at)
        return Verdict(Kind.COVERED, (denied, *_trapped(assessed)), covered_by=by)
    if held:
        cure = "; ".join(dict.fromkeys(reason.code.cure for reason in held))
        return Verdict(Kind.HOLD, held, cure=cure)
    return Verdict(
        Kind.ENFORCE,
        tuple(_enforcing(assessed)),
        impact=assessed.impact,
        attachment=assessed.room.attachment,
        forecast=forecast(user, assessed.impact, keys_in_use(user, rules, now), now),
    )


def _trapped(assessed: Assessment) -> Iterator[Reason]:
    """Say when a covered user cannot enrol: nothing of ours is added there, so today's rights decide."""
    today = assessed.answers.today
    if today.able is Able.NO:
        yield Reason(Code.CANNOT_ENROL, today.obstacle, assessed.user.rights_at)


def _enforcing(assessed: Assessment) -> Iterator[Reason]:
    user = assessed.user
    if user.password is None and not user.active_keys and not user.active_services:
        yield Reason(Code.NO_CREDENTIALS, "neither password nor active key", user.facts_at)
    elif user.has_device:
        kinds = ", ".join(user.device_kinds) or "kind not looked at"
        yield Reason(Code.HAS_MFA, f"MFA is on ({kinds})", user.facts_at)
    else:
        yield Reason(Code.NO_MFA, "no device yet", user.facts_at)
    used = keys_in_use(user, assessed.account.rules, assessed.account.now)
    if used:
        told = ", ".join(say_key(key, assessed.account.now) for key in used)
        yield Reason(Code.KEYS_IN_USE, told, user.facts_at)
    if assessed.impact is Impact.PASSKEY_ONLY:
        yield Reason(Code.PASSKEY_ONLY, "a passkey gives no codes for the CLI", user.facts_at)
    if assessed.needs_help:
        yield Reason(
            Code.ENROLMENT_POLICY,
            "may not enrol a device today: the enrolment policy comes first",
            user.rights_at,
        )
    if machine_evidence(user, assessed.account.rules, assessed.account.now):
        yield Reason(Code.OWNER_DECIDED, "looks like a machine; its owner decided in rules.enforce_machines")
