"""What a person must look at: exemptions that ended, and people in places where they should not be."""

from __future__ import annotations

from rollout.domain.plan.findings import about_account, about_exemptions
from rollout.domain.verdicts.judge import judge
from tests.builders import ACCOUNT, TODAY, a_finding, a_user, an_exemption
from tests.domain.judging import (
    DENY_WITHOUT_MFA,
    SELF_SERVICE,
    a_person,
    around,
    inline,
    ours_in_place,
    the_rules,
)

ALICE = a_user("alice")


def said(*lines) -> list[tuple[str, str]]:
    return [(finding.code, finding.text) for finding in about_exemptions(lines, TODAY)]


def test_a_live_exemption_is_no_finding():
    assert [] == said(an_exemption(ALICE.arn, days=0))


def test_an_exemption_that_ended_is_named_with_its_owner():
    text = f"{ALICE.arn}: ended 2026-11-23 UTC, owner ops@example.com"
    assert [("exemption-expired", text)] == said(an_exemption(ALICE.arn, days=-1))


def found(*users, rules=None, **account) -> list[tuple[str, str]]:
    rules = rules or the_rules()
    there = around(*users, rules=rules, **account)
    verdicts = {user.id: judge(user, there) for user in users}
    return [(finding.code, finding.user_arn) for finding in about_account(there, verdicts)]


def test_an_account_in_order_has_no_findings():
    assert [] == found(a_person())


def test_what_the_look_itself_found_is_kept():
    assert ["root-without-mfa"] == [code for code, _ in found(a_person(), findings=(a_finding(),))]


def test_devices_left_over_are_counted():
    rules = the_rules()
    there = around(rules=rules, unassigned_devices=("arn:x", "arn:y"))
    (finding,) = about_account(there, {})
    assert ("unassigned-devices", ACCOUNT) == (finding.code, finding.account_id)
    assert finding.text.startswith("2 unassigned virtual MFA devices")


def test_who_is_held_and_enforced_is_named():
    robot = a_person("robot", password=False, mfa=None, keys=1, groups=("ForceMFA",))
    assert [("held-but-enforced", robot.arn)] == found(robot, **ours_in_place())


def test_who_is_held_under_a_braked_policy_is_not_enforced():
    robot = a_person("robot", password=False, mfa=None, keys=1, groups=("ForceMFA",))
    assert [] == found(robot, **ours_in_place(default=1))


def test_who_is_to_be_enforced_and_is_is_no_finding():
    assert [] == found(a_person(groups=("ForceMFA",)), **ours_in_place())


def test_an_exempt_user_under_our_policy_is_no_finding_but_a_removal():
    rules = the_rules(exemptions=(an_exemption(ALICE.arn),))
    assert [] == found(a_person(groups=("ForceMFA",)), rules=rules, **ours_in_place())


def test_who_is_covered_and_cannot_enrol_is_named():
    trapped = a_person(mfa=None, inline=(inline("Mfa", DENY_WITHOUT_MFA),))
    assert [("covered-cannot-enrol", trapped.arn)] == found(trapped)


def test_who_is_covered_and_can_enrol_is_no_finding():
    assert [] == found(a_person(inline=(SELF_SERVICE, inline("Mfa", DENY_WITHOUT_MFA))))
