"""What waits for a person, whom to ask, and the command or the lines of rollout.yaml that end it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from rollout.domain.people.addresses import Addressee
from rollout.domain.people.exemptions import Exemption, UserMatch
from rollout.domain.plan.entries import PlanEntry
from rollout.domain.policy.changes import Failed
from rollout.domain.progress.records import Record
from rollout.domain.status.to_decide import KEPT, Decision, DecisionLists, Matter, ToDecide, WayOut
from rollout.domain.status.user_status import Statuses
from rollout.domain.verdicts.verdict import Code, Kind
from tests.builders import (
    NOTIFIED,
    NOW,
    a_change,
    a_header,
    a_membership,
    a_progress,
    a_run,
    a_told,
    an_account_plan,
    an_entry,
    left_out,
    the_facts,
)

HOLDS = [code for code in Code if code.leads_to is Kind.HOLD]


def decisions_about(
    entry: PlanEntry, *records: Record, exemptions: tuple[Exemption, ...] = (), since=None
) -> list[Decision]:
    part = an_account_plan(entry)
    header = a_header(part)
    status = Statuses(header, a_progress(*records), NOTIFIED, NOW).of(entry.user, entry)
    return list(
        ToDecide(header, exemptions, NOW, since or {}).about(part.account_id, part.name, [(entry, status)])
    )


@pytest.mark.parametrize("code", [code for code in HOLDS if code is not Code.BREAK_GLASS])
def test_every_hold_names_a_command_or_lines_for_a_pull_request(code: Code):
    (found,) = decisions_about(an_entry("ci", "hold", because=[code]))
    assert (Matter.HOLD, code) == (found.matter, found.reason)
    assert bool(found.way_out.command) != bool(found.way_out.entry)
    if found.way_out.entry:
        assert isinstance(yaml.safe_load(found.way_out.edit), dict)
    else:
        assert shlex.split(found.way_out.command)[0] == "rollout"


def test_an_emergency_user_is_meant_to_stay_and_nothing_is_to_be_decided():
    assert [] == decisions_about(an_entry("glass", "hold", because=[Code.BREAK_GLASS]))


def test_whoever_goes_on_by_themselves_is_not_in_the_lists():
    assert [] == decisions_about(an_entry("alice"))
    assert [] == decisions_about(an_entry("bob", "covered"))
    assert [] == decisions_about(an_entry("zoe", "exempt", exempt_until=(NOW + timedelta(days=90)).date()))


def test_a_machine_gets_a_whole_exemption_whatever_it_is_called():
    name = 'ci "x": {} #'
    entry = an_entry(name, "hold", because=[Code.MACHINE], facts=the_facts(tags={"Owner": 'ops "a"'}))
    (found,) = decisions_about(entry)
    (line,) = yaml.safe_load(found.way_out.edit)["exemptions"]
    assert (entry.user.arn, 'ops "a"') == (line["user"], line["owner"])
    assert line["expires"] == NOW.date() + timedelta(days=90)


def test_a_command_is_safe_to_paste_whatever_a_user_is_called():
    entry = an_entry("$(reboot) 'a; b", "hold", because=[Code.UNKNOWN])
    (found,) = decisions_about(entry)
    assert ["rollout", "show", "--evidence", "--user", entry.user.arn] == shlex.split(found.way_out.command)


def test_whom_to_ask_is_the_owner_of_the_exemption_the_tag_the_manager_or_the_person():
    held = an_entry("ci", "hold", because=[Code.MACHINE], address="ci@example.com")
    managed = replace(held, addressee=Addressee("ci@example.com", "tag", "boss@example.com"))
    tagged = replace(managed, facts=the_facts(tags={"owner": "team-a"}))
    exempted = Exemption(UserMatch(held.user.arn), "ops@example.com", "why", NOW.date())
    assert "ci@example.com" == decisions_about(held)[0].owner
    assert "boss@example.com" == decisions_about(managed)[0].owner
    assert "team-a" == decisions_about(tagged)[0].owner
    assert "ops@example.com" == decisions_about(tagged, exemptions=(exempted,))[0].owner


def test_a_hold_knows_since_when_it_lasts_where_an_earlier_look_knew_it():
    entry = an_entry("ci", "hold")
    long_ago = NOW - timedelta(days=40)
    assert decisions_about(entry)[0].since is None
    assert long_ago == decisions_about(entry, since={entry.user.id: long_ago})[0].since


@pytest.mark.parametrize(("days", "reason"), [(-1, "over"), (0, "ends"), (30, "ends")])
def test_exemptions_are_listed_from_a_month_before_their_end(days: int, reason: str):
    (found,) = decisions_about(an_entry("b", "exempt", exempt_until=NOW.date() + timedelta(days=days)))
    assert (Matter.EXEMPTION, reason) == (found.matter, found.reason)
    assert ("rollout plan" == found.way_out.command) is (reason == "over")


def test_a_notice_that_did_not_arrive_and_a_change_that_failed_are_told_apart():
    entry = an_entry("alice", impact="cli")
    failed = a_told(delivery="refused", detail="mailbox unknown", impact="cli")
    (notice,) = decisions_about(entry, a_run(), failed)
    assert (Matter.NOTICE, "alice@example.com: mailbox unknown") == (notice.matter, notice.text)
    (drift,) = decisions_about(entry, a_run(), *a_change(a_membership("alice"), Failed("AccessDenied")))
    assert (Matter.DRIFT, "failed") == (drift.matter, drift.reason)


def test_accounts_that_could_not_be_entered_wait_and_those_left_out_on_purpose_do_not():
    header = a_header(left_out=(left_out(cure="name a role"), left_out("1" * 12, "closed")))
    (found,) = ToDecide(header, (), NOW, {}).not_entered()
    assert (Matter.ACCOUNT, f"rollout doctor --account {found.account_id}") == (
        found.matter,
        found.way_out.command,
    )
    assert found.text.endswith("; name a role")


def test_a_million_holds_are_counted_and_the_first_of_each_reason_kept():
    lists = DecisionLists()
    one = Decision(Matter.HOLD, "machine", "ci", "1" * 12, "a", WayOut("rollout plan"))
    lists.take(one for _ in range(KEPT + 5))
    lists.take([replace(one, reason="unknown"), replace(one, matter=Matter.DRIFT, reason="failed")])
    drift, holds = lists.lists()
    assert (Matter.DRIFT, 1) == (drift.matter, drift.total)
    assert (("machine", KEPT + 5), ("unknown", 1)) == holds.reasons
    assert (KEPT + 6, KEPT + 1) == (holds.total, len(holds.decisions))
