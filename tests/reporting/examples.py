"""A small organization with something of everything that a report tells, and a big one to measure with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
from rollout.domain.policy.changes import (
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    Failed,
)
from rollout.domain.progress.history import History
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Code
from tests.builders import (
    ACCOUNT,
    GROUP,
    NOW,
    POLICY,
    a_carried,
    a_change,
    a_finding,
    a_gate_read,
    a_header,
    a_membership,
    a_passed,
    a_progress,
    a_reason,
    a_ref,
    a_reminder,
    a_run,
    a_told,
    an_account_plan,
    an_approval,
    an_end,
    an_entry,
    an_intent,
    an_override,
    days_ago,
    left_out,
    the_facts,
)

HUB = "222233334444"
TOOLS = "333344445555"
EVIL = "<script>document.title='run'</script>"


def small_accounts() -> tuple[AccountPlan, ...]:
    def prod(name: str, *more: Any, **fields: Any) -> PlanEntry:
        return an_entry(name, *more, account_id=ACCOUNT, **fields)

    def hub(name: str, *more: Any, **fields: Any) -> PlanEntry:
        return an_entry(name, *more, account_id=HUB, **fields)

    first, *others = (
        an_account_plan(
            prod("alice", wave="canary", enforced_by="ForceMFA (group ForceMFA)"),
            prod(
                "bob",
                impact="enrol",
                wave="canary",
                forecast="everything but enrolling, until a device is on",
            ),
            prod("carol", impact="cli", forecast="key 1 for s3, last used 3 days ago"),
            prod("=cmd|'/c calc'!A1", impact="cli"),
            prod("+plus", "hold", because=[Code.UNREACHED], cure="give the user an e-mail tag"),
            prod("@at", "exempt"),
            prod("backup", "exempt", exempt_until=date(2026, 11, 20)),
            prod("ci-deployer", "hold"),
            findings=(a_finding(account_id=ACCOUNT),),
        ),
        an_account_plan(
            hub("dan", impact="passkey-only"),
            hub("erin", "covered"),
            hub("frank", impact="enrol", path="/team/"),
            hub(
                "grace",
                "hold",
                because=[Code.UNKNOWN],
                cure="let rollout read the fact named, then plan again",
            ),
            hub("heidi", impact="enrol", because=[Code.NO_MFA, a_reason(Code.KEYS_IN_USE)]),
            hub("ivan", facts=the_facts(mfa_kinds=(), password_last_used=None)),
            account_id=HUB,
            name=EVIL,
            ou="Shared & Co",
            report_at=days_ago(0.2),
            findings=(
                a_finding(
                    "mfa-not-offered",
                    "ListVirtualMFADevices is not offered here <b>",
                    HUB,
                    a_ref("dan", HUB).arn,
                ),
            ),
        ),
        an_account_plan(account_id=TOOLS, name="tools", ou="", report_at=None),
    )
    return (replace(first, calls=17, retries=4), *others)


def small_header(accounts: tuple[AccountPlan, ...]) -> Header:
    return a_header(
        *accounts,
        waves=("canary", "rest", "empty"),
        left_out=(
            replace(
                left_out(
                    cure="create OrganizationAccountAccessRole there, or name another role in access.roles"
                ),
                calls=2,
            ),
            left_out("555566667777", "closed", name="old", ou="", reason="closed on 2026-09-01"),
            left_out("000011112222", "excluded", name="lab", ou="Lab", reason='excluded by OU "Lab"'),
        ),
        findings=(
            a_finding("no-brake-left", "Only one identity can pull the brake"),
            a_finding("exemption-expired", "team=billing: ended 2026-10-31, owner ops@example.com"),
        ),
        calls=1234,
        retries=56,
    )


def small_progress() -> History:
    """A fortnight ago the canaries were told; today they go, one is enforced, and the rest is told."""
    told, today = NOW + timedelta(days=1), NOW + timedelta(days=15)
    first: dict[str, Any] = {"run": "run-1", "at": told}
    second: dict[str, Any] = {"run": "run-2", "at": today}
    third: dict[str, Any] = {"run": "run-3", "at": today + timedelta(hours=1)}
    policy = CreatePolicy(ACCOUNT, POLICY, "ForceMFA", "/rollout/", {"Statement": []}, {})
    return a_progress(
        a_run("run-1", at=told, stage=Stage.NOTIFY),
        a_told("alice", wave="canary", **first),
        a_told("bob", wave="canary", impact="enrol", delivery="queued", **first),
        a_carried("canary", "notify", **first),
        an_end(**first),
        an_approval("canary", at=told + timedelta(days=2)),
        a_run("run-2", at=today, stage=Stage.ENFORCE),
        a_gate_read("soak", "inconclusive", "1 of 3 days", wave="canary", **second),
        an_override("soak", "the board asked for it", wave="canary", **second),
        *a_change(policy, number=1, wave="canary", **second),
        *a_change(CreateVersion(ACCOUNT, POLICY, {}), number=2, wave="canary", **second),
        *a_change(
            CreateGroup(ACCOUNT, GROUP, "/rollout/"), AlreadyInPlace(), number=3, wave="canary", **second
        ),
        *a_change(AttachToGroup(ACCOUNT, GROUP, POLICY), number=4, wave="canary", **second),
        *a_change(
            a_membership("alice"),
            Applied("request-5", 2, unconfirmed=True),
            number=5,
            wave="canary",
            **second,
        ),
        a_passed("bob", "notice", "queued, not known to be delivered", wave="canary", **second),
        a_carried("canary", "enforce", **second),
        an_end("in part", **second),
        a_run("run-3", at=third["at"], stage=Stage.NOTIFY),
        a_told("carol", impact="cli", **third),
        a_reminder("bob", wave="canary", impact="enrol", due=told.date() + timedelta(days=14), **third),
        a_told(
            a_ref("dan", HUB), impact="passkey-only", delivery="refused", detail="mailbox unknown", **third
        ),
        *a_change(
            a_membership("heidi", HUB),
            Failed("AccessDenied", 3, "AccessDenied", "request-6", "allow the role iam:AddUserToGroup"),
            number=1,
            **third,
        ),
        a_passed(a_ref("heidi", HUB), "failed", "AccessDenied", **third),
        an_intent(a_membership("frank", HUB), number=2, **third),
        a_gate_read("enrolment", "fail", "40 % of 80 % enrolled", **third),
    )


SMALL_NOW = NOW + timedelta(days=16)


def small_rehearsal() -> History:
    return a_progress(
        a_run("rehearsal", at=SMALL_NOW, stage=Stage.DRY_RUN),
        *a_change(a_membership("carol"), run="rehearsal", at=SMALL_NOW),
        a_told("=cmd|'/c calc'!A1", run="rehearsal", at=SMALL_NOW, impact="cli"),
    )


def big_accounts(users: int, per_account: int = 100) -> Iterator[AccountPlan]:
    """Give a large organization, an account at a time."""
    for number in range(users // per_account):
        account_id = f"{100_000_000_000 + number * 7_919:012d}"
        entries = []
        for place in range(per_account):
            name = f"person.{number:04d}-{place:03d}"
            kind = place % 20
            fields: dict[str, Any] = {"account_id": account_id}
            used = {"key_last_used": days_ago(place), "password_last_used": days_ago(place % 37)}
            if kind < 13:
                impact = ("none", "cli", "enrol", "passkey-only")[place % 4]
                fields |= {
                    "impact": impact,
                    "wave": ("canary", "rest")[place > 5],
                    "forecast": f"key 1 for s3 on {days_ago(place).date()}, for ec2 on {days_ago(place + 1).date()}",
                }
                verdict = "enforce"
            else:
                verdict = ("hold", "exempt", "covered")[place % 3]
            fields["facts"] = the_facts(
                mfa_active=bool(place % 3), mfa_kinds=("totp",) * (place % 3 > 0), **used
            )
            entries.append(an_entry(name, verdict, **fields))
        yield an_account_plan(
            *entries,
            account_id=account_id,
            name=f"team-{number:04d}-prod",
            ou=f"Workloads/Unit {number % 40}",
        )


def big_header(users: int) -> Header:
    return a_header(verdicts={"enforce": users}, waves=("canary", "rest"))
