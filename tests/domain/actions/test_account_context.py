"""One account as commands see it: by the facts that were read, and by those that were asked live since."""

from __future__ import annotations

from dataclasses import replace

from rollout.domain.verdicts.verdict import Kind
from tests.builders import GROUP, a_user
from tests.domain.contexts import a_context
from tests.domain.judging import a_person, ours_in_place

ALICE = a_person("alice")


def test_a_user_is_judged_once_and_anew_by_newer_facts():
    context = a_context(ALICE)
    first = context.verdict(ALICE)
    assert first is context.verdict(ALICE)
    assert Kind.ENFORCE is first.kind
    newer = replace(ALICE, tags={}, mfa_active=False, devices=())
    later = context.with_users({ALICE.id: newer})
    assert Kind.HOLD is later.verdict(later.facts.users[0]).kind


def test_newer_facts_are_about_those_who_were_read_and_nobody_else():
    context = a_context(ALICE).with_users({"AIDAZOE": a_user("zoe")})
    assert (ALICE,) == context.facts.users


def test_members_and_those_whom_a_new_version_reaches():
    member, carrier = a_user("member", groups=(GROUP,)), a_user("carrier")
    context = a_context(ALICE, member, carrier, attached=["carrier"], **ours_in_place())
    assert ["member"] == [user.name for user in context.members]
    assert ["carrier", "member"] == sorted(user.name for user in context.attached)
    assert not context.is_braked


def test_a_pulled_brake_is_told_from_a_policy_whose_creation_was_cut_short():
    pulled = a_context(a_user("member", groups=(GROUP,)), **ours_in_place(default=1))
    assert pulled.brake_pulled
    assert pulled.is_braked
    nobody = a_context(ALICE, **ours_in_place(default=1))
    assert not nobody.brake_pulled
    assert nobody.is_braked, "two versions: somebody chose between them"
