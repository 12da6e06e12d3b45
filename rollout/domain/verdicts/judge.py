"""Decides the verdict on one user, with every reason that applies (design.md#verdicts)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

from rollout.domain.people.exemptions import exemption_for
from rollout.domain.people.key_use import UsedBy, key_use
from rollout.domain.people.users import User
from rollout.domain.verdicts.assessment import Assessment, assess, enforced_by
from rollout.domain.verdicts.enrolment_check import Able
from rollout.domain.verdicts.forecast import forecast
from rollout.domain.verdicts.holds import holds
from rollout.domain.verdicts.judged_account import JudgedAccount
from rollout.domain.verdicts.machines import keys_in_use, say_key
from rollout.domain.verdicts.situation import situation_of
from rollout.domain.verdicts.verdict import Code, EnrolmentWay, Impact, Kind, Reason, Situation, Verdict


def judge(user: User, account: JudgedAccount) -> Verdict:
    """Judge a user as if our own policies were absent.

    Precedence is exempt > covered > hold > enforce. A necessary fact that could not be read holds the user with the
    reason `unknown`.
    """
    assessed = assess(user, account)
    verdict = _weigh(assessed)
    return replace(
        verdict,
        enforced_by=enforced_by(user, account) or verdict.covered_by,
        addressee=assessed.addressee,
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
        still_open = assessed.answers.left_open
        but = f" but {', '.join(still_open)}" if still_open else ""
        denied = Reason(Code.OTHER_DENY, f"everything{but} is denied without MFA by {by}", user.rights_at)
        today = assessed.answers.today.enrolment(console=user.password is not None)
        # Nothing of ours is added for a covered user, so today's rights decide.
        stuck = today.able is Able.NO and not user.has_device
        cannot = (Reason(Code.CANNOT_ENROL, today.obstacle, user.rights_at),) * stuck
        return Verdict(Kind.COVERED, (denied, *cannot), covered_by=by)
    if held:
        cure = "; ".join(dict.fromkeys(reason.code.cure for reason in held))
        return Verdict(Kind.HOLD, held, cure=cure)
    situation = situation_of(assessed)
    return Verdict(
        Kind.ENFORCE,
        tuple(_enforcing(assessed, situation)),
        impact=assessed.impact,
        attachment=assessed.room.attachment,
        forecast=forecast(user, assessed.impact, now, situation),
        situation=situation,
    )


def _enforcing(assessed: Assessment, situation: Situation) -> Iterator[Reason]:
    user = assessed.user
    if user.has_device:
        kinds = ", ".join(user.device_kinds) or "kind not read"
        yield Reason(Code.HAS_MFA, f"MFA is on ({kinds})", user.facts_at)
    else:
        without = "" if user.has_credentials else ", nor any credential (rules.no_credentials is enforce)"
        sms = "; codes by SMS, which AWS no longer supports, are none" if situation.sms_only else ""
        yield Reason(Code.NO_MFA, f"no MFA device yet{without}{sms}", user.facts_at)
    if user.active_keys:
        used = keys_in_use(user, assessed.account.rules, assessed.account.now)
        keys = ", ".join(say_key(key, assessed.account.now) for key in used or user.active_keys)
        yield Reason(Code.KEYS_IN_USE if used else Code.IDLE_KEYS, keys, user.facts_at)
    use = key_use(user, assessed.account.rules.networks)
    if use.by is UsedBy.PERSON:
        seen = min(activity.read_at for activity in user.activity)
        yield Reason(Code.KEYS_OF_A_PERSON, use.why, seen)
    if assessed.impact is Impact.PASSKEY_ONLY:
        yield Reason(Code.PASSKEY_ONLY, "a passkey gives no codes for the CLI", user.facts_at)
    if situation.ways == (EnrolmentWay.PASSKEY,):
        why = assessed.answers.under_force_mfa.app(console=situation.console).obstacle
        yield Reason(Code.PASSKEY_WAY, f"only a passkey or security key: {why}", user.rights_at)
    if assessed.needs_help:
        yield Reason(
            Code.ENROLMENT_POLICY,
            "cannot enrol a device today, so the enrolment policy is attached first",
            user.rights_at,
        )
    if situation.machine:
        yield Reason(Code.OWNER_DECIDED, "looks like a machine, but rules.enforce_machines lists it")
