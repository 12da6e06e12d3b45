"""One observed account becomes its part of the plan: everybody in it, sorted, judged, and in a wave if enforced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.domain.people.observations import NotEntered, Observed, Unreachable
from rollout.domain.people.organization import AccountState
from rollout.domain.plan.account_totals import count_verdicts, count_waves
from rollout.domain.plan.entries import AccountPlan, AccountResources, LeftOut
from rollout.domain.plan.fingerprints import fingerprint, policy_digest
from rollout.domain.plan.planning import Planner, left_out
from rollout.domain.plan.waves import Wave
from rollout.domain.verdicts.verdict import EnrolmentWay, Kind
from tests.builders import (
    ACCOUNT,
    NOW,
    a_user,
    an_account,
    an_exemption,
    an_inventory,
    an_observed,
    days_ago,
    summed_up,
)
from tests.domain.judging import (
    DENY_WITHOUT_MFA,
    DOCUMENTS,
    NO_MFA,
    OURS_ARN,
    a_person,
    deny_all_but,
    inline,
    made_by_us,
    ours_in_place,
    the_rules,
)

CANARY, REST = Wave("canary", users=("al*",)), Wave("rest")
ROBOT = a_person("robot", password=False, mfa=None, keys=1)


def planned(
    *users: Any, waves: tuple[Wave, ...] = (CANARY, REST), rules: Any = None, **facts: Any
) -> AccountPlan:
    groups = facts.pop("ours", ())
    observed = an_observed(*users, **facts)
    planner = Planner(rules or the_rules(), waves, NOW, {ACCOUNT: made_by_us(observed.facts, groups)})
    return planner.plan(observed)


def test_everybody_is_in_the_plan_sorted_by_name():
    entries = planned(a_person("zoe"), ROBOT, a_person("alice")).entries
    assert ["alice", "robot", "zoe"] == [entry.user.name for entry in entries]
    assert [Kind.ENFORCE, Kind.HOLD, Kind.ENFORCE] == [entry.verdict for entry in entries]


def test_only_the_enforced_are_in_a_wave():
    rules = the_rules(exemptions=(an_exemption(f"arn:aws:iam::{ACCOUNT}:user/alex"),))
    users = (
        a_person("alice"),
        a_person("bob"),
        a_person("alex"),
        a_person("alan", inline=(inline("X", DENY_WITHOUT_MFA),)),
        replace(ROBOT, name="al"),
    )
    waves = {entry.user.name: entry.wave for entry in planned(*users, rules=rules).entries}
    assert {"alice": "canary", "bob": "rest", "alex": "", "alan": "", "al": ""} == waves


def test_who_fits_no_wave_is_named():
    part = planned(a_person("alice"), a_person("bob"), ROBOT, waves=(CANARY,))
    assert (f"arn:aws:iam::{ACCOUNT}:user/bob",) == summed_up(part).without_wave.first
    assert () == summed_up(planned(ROBOT, waves=())).without_wave.first


def test_an_entry_keeps_what_was_judged_and_what_it_was_judged_by():
    alice = a_person(mfa="passkey", keys=1, path="/team/", tags={"email": "a@example.com", "B": "2"})
    (entry,) = planned(alice).entries
    assert (alice.id, alice.arn, "/team/") == (entry.user.id, entry.user.arn, entry.path)
    assert ("passkey-only", "group", "a@example.com") == (entry.impact, entry.attachment, entry.address)
    assert ("has-mfa", "keys-in-use", "passkey-only") == entry.because
    assert "a TOTP device is added" in entry.forecast
    assert ((EnrolmentWay.APP, EnrolmentWay.PASSKEY), False) == (
        entry.situation.ways,
        entry.situation.aws_login,
    )
    assert fingerprint(alice) == entry.fingerprint
    facts = entry.facts
    assert (True, True, ("passkey",), 1) == (
        facts.console,
        facts.mfa_active,
        facts.mfa_kinds,
        facts.active_keys,
    )
    assert (days_ago(3), days_ago(1)) == (facts.key_last_used, facts.password_last_used)
    assert ["B", "email"] == list(facts.tags)


def test_facts_believe_the_devices_that_were_listed():
    (entry,) = planned(replace(a_person(), mfa_active=True, devices=())).entries
    assert not entry.facts.mfa_active


def test_the_part_tells_when_and_by_which_role_it_was_read():
    part = planned(a_person(), read_at=NOW, report_at=days_ago(0.1))
    assert (NOW, days_ago(0.1), "OrganizationAccountAccessRole") == (part.read_at, part.report_at, part.role)
    assert (ACCOUNT, "payments-prod", "Workloads/Prod") == (part.account_id, part.name, part.ou)


def test_what_stands_of_ours_is_in_the_plan():
    alice = a_person(groups=("ForceMFA",))
    part = planned(alice, a_person("bob"), **ours_in_place())
    assert (
        AccountResources(OURS_ARN, policy_digest(DOCUMENTS.full), group_exists=True, members=(alice.id,))
        == part.ours
    )


def test_what_is_not_ours_is_not():
    foreign = ours_in_place() | {"policies": (), "ours": ()}
    assert AccountResources() == planned(a_person(groups=("ForceMFA",)), **foreign).ours
    assert AccountResources() == planned(a_person()).ours


def test_findings_are_sorted():
    lookalike = inline("Mfa", deny_all_but("iam:*", "sts:GetSessionToken", when=NO_MFA))
    users = (
        a_person("zoe", mfa=None, inline=(inline("X", DENY_WITHOUT_MFA),)),
        a_person("bob", inline=(lookalike,)),
        a_person("alice", mfa=None, inline=(inline("X", DENY_WITHOUT_MFA),)),
    )
    found = planned(*users).findings
    assert ["covered-cannot-enrol", "covered-cannot-enrol", "look-alike"] == [
        finding.code for finding in found
    ]
    assert [f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("alice", "zoe")] == [
        finding.user_arn for finding in found[:2]
    ]


def test_the_same_facts_make_the_same_plan():
    users = [a_person(name, mfa=mfa) for name in ("alice", "bob", "zoe") for mfa in (None,)]
    assert planned(*users) == planned(*reversed(users))


def test_matrices_are_kept_once_and_pointed_to():
    users = [a_person(name) for name in ("alice", "bob")] + [
        a_person("zoe", mfa=None, inline=(inline("X", DENY_WITHOUT_MFA),))
    ]
    part = planned(*users)
    assert 2 == len(part.matrices)
    alice, bob, zoe = part.entries
    assert alice.matrix == bob.matrix != zoe.matrix


def test_counts_show_every_wave_and_every_verdict():
    plans = (planned(a_person("alice"), a_person("bob"), ROBOT), planned(a_person("zoe")))
    summaries = [summed_up(part) for part in plans]
    assert {"canary": 1, "rest": 2, "empty": 0} == count_waves(summaries, ("canary", "rest", "empty"))
    assert {"exempt": 0, "covered": 0, "hold": 1, "enforce": 3} == count_verdicts(summaries)


# --- Who is left out ---


def test_every_account_that_is_not_in_the_plan_is_named_with_its_reason():
    closed = NotEntered(an_account("1", "old", state=AccountState.CLOSED, ou="Suspended"), "closed")
    sandbox = NotEntered(an_account("2", "play"), 'excluded by OU "Sandbox"')
    locked = Unreachable(an_account("3", "vault"), "no role lets us in", "name one in access.overrides")
    found = list(left_out(an_inventory(an_observed(a_user()), closed, sandbox, locked)))
    assert [
        LeftOut("1", "old", "Suspended", "closed", "account state CLOSED"),
        LeftOut("2", "play", "Workloads/Prod", "excluded", 'excluded by OU "Sandbox"'),
        LeftOut(
            "3",
            "vault",
            "Workloads/Prod",
            "unreachable",
            "no role lets us in",
            "name one in access.overrides",
        ),
    ] == found


@pytest.mark.parametrize("view", [an_observed(a_user())], ids=["observed"])
def test_who_was_read_is_not_left_out(view: Observed):
    assert [] == list(left_out(an_inventory(view)))
