"""What holds of every verdict, whoever is judged: found out again here without the code that judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from rollout.domain.iam import (
    Allowed,
    Context,
    Decision,
    ExplicitlyDenied,
    Policies,
    Request,
    evaluate,
    parse_document,
)
from rollout.domain.people.key_activity import KeyActivity
from rollout.domain.people.observations import Observed
from rollout.domain.people.users import DeviceKind, NamedPolicy, Unread
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.verdict import Code, Impact, Kind, Verdict
from tests.builders import NOW, OFFICE, an_account, an_activity, an_exemption, calls_at, days_ago
from tests.domain.judging import LEFT_OPEN, NO_MFA, OURS_ARN, a_document, a_group, allow, deny, deny_all_but
from tests.domain.verdicts.strategies import Situation, facts_around, rules_of, situations, users

DAY = timedelta(days=1)
OFFICE_ONLY = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
many = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])


def judged(situation: Situation) -> Verdict:
    return judge(situation.user, situation.around())


# --- A second opinion: which documents bind the user, and what a request comes to ---


def texts_of(situation: Situation) -> Iterator[Any]:
    """The user's identity policies, but for ours, gathered anew."""
    user, facts = situation.user, situation.observed.facts
    yield from (policy.document for policy in user.inline)
    arns = [arn for arn in user.attached if arn != OURS_ARN]
    for name in user.groups:
        group = facts.groups.get(name)
        if group is None:
            yield "(not read)"
        elif name != "ForceMFA":
            yield from (policy.document for policy in group.inline)
            arns += group.attached
    for arn in arns:
        found = facts.policies.get(arn)
        yield found.default.document if found and found.default else "(not read)"


def decided(situation: Situation, action: str, resource: str, *more: Any, **context: str) -> Decision:
    user, observed = situation.user, situation.observed
    boundary = None
    if user.boundary_arn:
        default = observed.facts.policies[user.boundary_arn].default
        assert default
        boundary = parse_document(default.document, "boundary")
    identity = tuple(parse_document(text, "P") for text in (*texts_of(situation), *more))
    scps = tuple(
        tuple(parse_document(policy.document, "SCP") for policy in level) for level in observed.scps or ()
    )
    values = {f"aws:PrincipalTag/{key}": value for key, value in user.tags.items()}
    values |= {key.replace("_", ":"): value for key, value in context.items()}
    return evaluate(Policies(identity, boundary, scps), Request(action, resource, user.arn, Context(values)))


def without_mfa() -> tuple[dict[str, str], ...]:
    return ({}, {"aws_MultiFactorAuthPresent": "false"})


ACTIVITIES = st.sampled_from(
    [
        (),
        (an_activity(),),
        (an_activity(*calls_at(7, 9, 14)),),
        (an_activity(*calls_at(*range(0, 24, 2), agent="Boto3", address="198.51.100.17")),),
        (an_activity(*calls_at(8, operation="sts:GetSessionToken", with_mfa=True)),),
    ]
)


# --- Judging is a function ---


@many
@given(st.one_of(situations(), situations(wild=False)))
def test_everybody_can_be_judged_and_always_in_the_same_way(situation: Situation):
    verdict = judged(situation)
    event(str(verdict.kind))
    assert verdict == judged(situation)
    assert verdict.reasons
    assert (
        (verdict.kind is Kind.ENFORCE)
        == (verdict.impact is not None)
        == (verdict.attachment is not None)
        == bool(verdict.forecast)
    )
    assert (verdict.kind is Kind.HOLD) == bool(verdict.cure)
    assert (verdict.kind is Kind.EXEMPT) == (verdict.exempt_until is not None)
    assert (verdict.kind is Kind.COVERED) == bool(verdict.covered_by)
    assert verdict.kind is verdict.codes[0].leads_to
    others = {verdict.kind} if verdict.kind in (Kind.HOLD, Kind.ENFORCE) else {Kind.HOLD}
    assert {code.leads_to for code in verdict.codes[1:]} <= others


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_user_is_judged_alone_as_in_company(data: st.DataObject):
    """What was answered for one user is remembered for those alike, and must fit them."""
    people = [replace(data.draw(users(name)), boundary_arn=None) for name in ("alice", "bob", "carol", "ann")]
    facts, ours = data.draw(facts_around(*people))
    rules = data.draw(rules_of(people[0]))
    together = Situation(people[0], Observed(an_account(), "role", facts, ()), rules, ours)
    around = together.around()
    for user in (*people, *people):
        alone = replace(together, user=user)
        assert judged(alone) == judge(user, around)


# --- What `enforce` promises ---


@many
@given(situations(wild=False))
def test_whoever_is_enforced_can_enrol_under_force_mfa(situation: Situation):
    """Whoever has no device yet, that is: AWS asks the others for MFA before it lets them add one."""
    if judged(situation).kind is not Kind.ENFORCE or situation.user.has_device:
        return
    user, full = situation.user, situation.rules.documents.full
    mfa = f"arn:aws:iam::{user.account_id}:mfa/some-name"
    address = situation.rules.context.get("aws:SourceIp", "203.0.113.9")
    for flag in without_mfa():
        for action in LEFT_OPEN[:-1]:
            on = {"iam:CreateVirtualMFADevice": mfa, "iam:ListVirtualMFADevices": "*"}.get(action, user.arn)
            answer = decided(situation, action, on, full, aws_SourceIp=str(address), **flag)
            assert isinstance(answer, Allowed), (action, flag, answer)
        token = decided(situation, "sts:GetSessionToken", "*", full, aws_SourceIp=str(address), **flag)
        assert not isinstance(token, ExplicitlyDenied)


@many
@given(situations(wild=False))
def test_whoever_is_enforced_is_no_machine_but_by_an_owner_s_word(situation: Situation):
    if judged(situation).kind is not Kind.ENFORCE:
        return
    user = situation.user
    if any(match.matches(user) for match in situation.rules.enforce_machines):
        return
    active = [key for key in user.keys if key.active]
    assert not any(credential.active for credential in user.service_credentials)
    assert "SESConsole" != user.tags.get("InvokedBy")
    password = user.password
    dates = [moment for moment in (password.last_used, password.last_changed) if moment] if password else []
    if not user.has_device and not (dates and max(dates) > days_ago(90)):
        assert password or not active
        assert not any(key.service in ("ses", "bedrock") for key in active)
    if password and not user.has_device:
        used = any(
            max((moment for moment in (key.created, key.last_used) if moment), default=NOW) >= days_ago(90)
            for key in active
        )
        assert not used or (dates and max(dates) > days_ago(90))


@many
@given(st.one_of(situations(), situations(wild=False)))
def test_whoever_is_enforced_has_room_an_address_a_usable_password_and_no_fact_missing(situation: Situation):
    verdict = judged(situation)
    if verdict.kind is not Kind.ENFORCE:
        return
    user, facts, rules = situation.user, situation.observed.facts, situation.rules
    assert not user.unread
    assert not facts.unread
    assert situation.observed.scps is not None
    assert user.arn not in rules.operators
    assert not rules.break_glass
    wanted = 2 if Code.ENROLMENT_POLICY in verdict.codes else 1
    if verdict.attachment == "group":
        assert len(set(user.groups) - {"ForceMFA"}) + wanted <= facts.quotas.groups_per_user
    else:
        assert len(set(user.attached) - {OURS_ARN}) + wanted <= facts.quotas.policies_per_user
    if verdict.impact != "none" or rules.notice_for_unaffected:
        assert "@" in verdict.address
    if user.password:
        assert not user.password.reset_required
        if user.password.reset_required is None:
            assert user.password.last_used
            assert user.password.last_changed
        if not user.has_device and user.password.next_rotation:
            assert user.password.next_rotation > NOW + rules.lead_time
    in_use = any(key.in_use(NOW, 90) for key in user.keys)
    if verdict.impact == "none" and user.password:
        assert user.has_device
        assert not in_use
    if verdict.impact == "cli" and in_use:
        assert {DeviceKind.TOTP, DeviceKind.HARDWARE} & set(user.device_kinds)


# --- What `covered` promises ---


@many
@given(
    situations(), st.sampled_from(["192.0.2.7", "203.0.113.9"]), st.sampled_from(["us-east-1", "eu-west-1"])
)
def test_whoever_is_covered_is_denied_every_probe_from_wherever_they_come(
    situation: Situation, address: str, region: str
):
    if judged(situation).kind is not Kind.COVERED:
        return
    account = situation.user.account_id
    other = f"arn:aws:iam::{account}:user/somebody"
    probes = {
        "s3:ListAllMyBuckets": "*",
        "ec2:DescribeInstances": "*",
        "surely:NotThere": f"arn:aws:surely:eu-west-1:{account}:not/there",
        "sts:AssumeRole": f"arn:aws:iam::{account}:role/any",
        "iam:CreateUser": other,
        "iam:AttachUserPolicy": other,
        "iam:CreateAccessKey": other,
    }
    for flag in without_mfa():
        for action, on in probes.items():
            answer = decided(situation, action, on, aws_SourceIp=address, aws_RequestedRegion=region, **flag)
            assert isinstance(answer, ExplicitlyDenied), (action, flag, answer)


# --- What another fact or another word can do ---


@many
@given(situations())
def test_an_exemption_does_nothing_but_exempt(situation: Situation):
    before = judged(situation)
    exemption = an_exemption(situation.user.arn, days=3)
    after = judged(situation.with_rules(exemptions=(*situation.rules.exemptions, exemption)))
    assert Kind.EXEMPT is after.kind
    assert Code.EXEMPTION in after.codes
    assert (before.enforced_by if before.kind is not Kind.COVERED else after.enforced_by) == after.enforced_by
    others = judged(
        situation.with_rules(exemptions=(*situation.rules.exemptions, an_exemption("AIDANOBODY")))
    )
    assert before == others


@many
@given(situations(wild=False), st.booleans())
def test_a_fact_that_could_not_be_read_never_makes_anybody_ready(situation: Situation, whole: bool):
    before = judged(situation)
    unread = Unread("something", "AccessDenied")
    if whole:
        facts = replace(situation.observed.facts, unread=(*situation.observed.facts.unread, unread))
        after = judged(replace(situation, observed=replace(situation.observed, facts=facts)))
    else:
        after = judged(situation.with_user(replace(situation.user, unread=(*situation.user.unread, unread))))
    assert Kind.ENFORCE is not after.kind
    if before.kind is not Kind.ENFORCE:
        assert before.kind is after.kind


@many
@given(situations(wild=False))
def test_service_control_policies_unread_never_make_anybody_ready(situation: Situation):
    after = judged(replace(situation, observed=replace(situation.observed, scps=None)))
    assert Kind.ENFORCE is not after.kind
    assert not after.matrix


@many
@given(situations(wild=False))
def test_who_is_placed_is_judged_as_if_they_were_not(situation: Situation):
    if "ForceMFA" not in situation.ours or len(situation.user.groups) >= 10:
        return
    before = judged(situation)
    placed = situation.with_user(replace(situation.user, groups=(*situation.user.groups, "ForceMFA")))
    after = judged(placed)
    assert (before.kind, before.reasons, before.impact, before.attachment, before.covered_by) == (
        after.kind,
        after.reasons,
        after.impact,
        after.attachment,
        after.covered_by,
    )
    braked = not any(
        version.is_default and version.id == "v2"
        for version in situation.observed.facts.policies[OURS_ARN].versions
    )
    assert ("" if braked else "ForceMFA (group ForceMFA)") == after.enforced_by or after.kind is Kind.COVERED


denies = st.builds(
    lambda make, actions, when: make(*actions, when=when),
    st.sampled_from([deny, deny_all_but]),
    st.lists(
        st.sampled_from(["*", "iam:*", "iam:*Device*", "s3:*", "sts:*", *LEFT_OPEN]), min_size=1, max_size=3
    ),
    st.sampled_from([None, None, NO_MFA, {"Bool": {"aws:MultiFactorAuthPresent": "false"}}, OFFICE_ONLY]),
)


@many
@given(st.one_of(situations(), situations(wild=False)), denies, st.sampled_from(["user", "group", "SCP"]))
def test_one_more_deny_never_makes_anybody_ready(situation: Situation, statement: dict[str, Any], place: str):
    if judged(situation).kind is Kind.ENFORCE:
        return
    user, observed = situation.user, situation.observed
    more = NamedPolicy("More", a_document(statement))
    match place:
        case "user":
            after = situation.with_user(replace(user, inline=(*user.inline, more)))
        case "group":
            groups = {**observed.facts.groups, "More": a_group("More", inline=[more])}
            joined = situation.with_user(replace(user, groups=(*user.groups, "More")))
            facts = replace(joined.observed.facts, groups=groups)
            after = replace(joined, observed=replace(joined.observed, facts=facts))
        case _:
            level = (NamedPolicy("FullAWSAccess", a_document(allow("*"))), more)
            scps = None if observed.scps is None else (*observed.scps, level)
            after = replace(situation, observed=replace(observed, scps=scps))
    assert Kind.ENFORCE is not judged(after).kind


@many
@given(st.one_of(situations(), situations(wild=False)))
def test_without_their_devices_nobody_is_better_off(situation: Situation):
    user = situation.user
    if user.devices is None:
        return  # not read, so that people may be held for it
    before = judged(situation)
    after = judged(situation.with_user(replace(user, devices=(), mfa_active=False)))
    if before.kind is not Kind.ENFORCE:
        assert before.kind is after.kind
    elif after.kind is Kind.ENFORCE and user.password:
        assert Impact.ENROL is after.impact
    assert (
        set(before.codes) - {Code.HAS_MFA, Code.PASSKEY_ONLY} <= set(after.codes) or Kind.HOLD is after.kind
    )


# --- Time ---


@many
@given(st.one_of(situations(), situations(wild=False)), ACTIVITIES, st.sampled_from([DAY, 40 * DAY]))
def test_the_next_day_only_a_date_that_was_crossed_changes_a_verdict(
    situation: Situation, activity: tuple[KeyActivity, ...], later: timedelta
):
    """A date is crossed where something becomes old (after 90 days), over, or due within the lead time."""
    situation = situation.with_user(replace(situation.user, activity=activity)).with_rules(networks=(OFFICE,))
    lead = situation.rules.lead_time
    old, due = (timedelta(days=90), timedelta(days=90) - lead), (timedelta(0), -lead)
    crossed = any(
        any(NOW <= date + span <= NOW + later for span in old)
        or any(NOW < date + span <= NOW + later for span in due)
        for date in situation.dates()
    )
    event(f"crossed: {crossed}")
    today, tomorrow = judged(situation), judge(situation.user, situation.around(NOW + later))
    if not crossed:
        assert essence(today) == essence(tomorrow)


def essence(verdict: Verdict) -> tuple[Any, ...]:
    """All of it but for texts, which say how many days ago something was."""
    return (
        verdict.kind,
        verdict.codes,
        verdict.impact,
        verdict.attachment,
        verdict.covered_by,
        verdict.enforced_by,
        verdict.address,
        verdict.matrix,
        replace(verdict.situation, password_expires=None),
    )
