"""Two plans are the same when they decide the same of the same people on the same facts, whenever they were made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.plan.content import account_digest
from rollout.domain.plan.content import content_digest as digest_of_content
from rollout.domain.plan.entries import AccountPlan, AccountResources, Digests, Header, LeftOut
from tests.builders import NOW, a_finding, a_header, an_account_plan, an_entry, the_facts

ENTRY = an_entry("alice", fingerprint="sha256:a")
ACCOUNT = an_account_plan(ENTRY)
HEADER = a_header(ACCOUNT, left_out=(LeftOut("999900001111", "old", "", "closed", "account state CLOSED"),))


def content_digest(header: Header, accounts: list[AccountPlan]) -> str:
    return digest_of_content(header, map(account_digest, accounts))


SAME = content_digest(HEADER, [ACCOUNT])


def with_entry(**fields: Any) -> str:
    return content_digest(HEADER, [replace(ACCOUNT, entries=(replace(ENTRY, **fields),))])


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "p2p2"},
        {"created": NOW + timedelta(days=1), "inventory_at": NOW + timedelta(days=1)},
        {"checksum": "sha256:" + "d" * 64},
        {"caller": "arn:aws:iam::111122223333:user/another"},
        {"calls": 9, "retries": 9},
        {"findings": (a_finding(),)},
        {"left_out": (replace(HEADER.left_out[0], reason="as somebody else would say it", calls=7),)},
        {"digests": replace(HEADER.digests, evidence="sha256:" + "4" * 64)},
    ],
    ids=", ".join,
)
def test_what_decides_nothing_is_no_difference(fields: dict[str, Any]):
    assert SAME == content_digest(replace(HEADER, **fields), [ACCOUNT])


def test_times_and_requests_of_an_account_are_no_difference():
    later = replace(
        ACCOUNT, read_at=NOW + timedelta(days=1), report_at=None, role="another", calls=9, matrices=()
    )
    assert SAME == content_digest(HEADER, [later])
    assert SAME == with_entry(facts=the_facts(key_last_used=NOW), matrix=3, forecast="key 1 used yesterday")


@pytest.mark.parametrize(
    "fields",
    [
        {"digests": Digests(policy="sha256:other", settings=HEADER.digests.settings)},
        {"digests": Digests(policy=HEADER.digests.policy, settings="sha256:other")},
        {"scps": "off"},
        {"organization_id": "o-theirs"},
        {"left_out": ()},
        {"left_out": (replace(HEADER.left_out[0], state="unreachable"),)},
    ],
    ids=", ".join,
)
def test_what_a_plan_is_bound_to_is_a_difference(fields: dict[str, Any]):
    assert SAME != content_digest(replace(HEADER, **fields), [ACCOUNT])


@pytest.mark.parametrize(
    "fields",
    [
        {"user": replace(ENTRY.user, id="AIDAANOTHER")},
        {"user": replace(ENTRY.user, arn=f"{ENTRY.user.arn}x")},
        {"verdict": "hold"},
        {"reasons": ()},
        {"wave": "canary"},
        {"impact": "enrol"},
        {"attachment": "user"},
        {"fingerprint": "sha256:b"},
        {"address": "another@example.com"},
        {"exempt_until": NOW.date()},
        {"covered_by": "theirs"},
        {"enforced_by": "ours"},
    ],
    ids=", ".join,
)
def test_whatever_is_decided_of_a_user_is_a_difference(fields: dict[str, Any]):
    assert SAME != with_entry(**fields)


@pytest.mark.parametrize(
    "fields", [{"ou": "Other"}, {"name": "other"}, {"ours": AccountResources(group_exists=True)}]
)
def test_where_an_account_is_and_what_of_ours_stands_in_it_is_a_difference(fields: dict[str, Any]):
    assert SAME != content_digest(HEADER, [replace(ACCOUNT, **fields)])


def test_the_order_of_users_and_of_what_is_left_out_is_no_difference():
    bob, other = an_entry("bob"), LeftOut("888800001111", "older", "", "closed", "")
    first = content_digest(
        replace(HEADER, left_out=(*HEADER.left_out, other)), [replace(ACCOUNT, entries=(ENTRY, bob))]
    )
    second = content_digest(
        replace(HEADER, left_out=(other, *HEADER.left_out)), [replace(ACCOUNT, entries=(bob, ENTRY))]
    )
    assert first == second
