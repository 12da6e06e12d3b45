"""Settings in the words of the domain, and what of them a plan is bound to."""

import json
from datetime import date

import pytest

from rollout.domain.people.addresses import AddressTag, NameIsAddress
from rollout.domain.people.exemptions import Exemption, UserMatch
from rollout.domain.people.scope import Scope
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.force_mfa import SEED, PolicyAmendments
from rollout.wiring.decision_rules import find_rules


def test_without_a_file_the_domain_has_its_own_defaults(load):
    settings = load()
    assert settings.domain_scope() == Scope()
    assert settings.domain_exemptions() == ()
    assert settings.domain_waves() == (Wave("canary", percent=5), Wave("rest"))
    assert settings.domain_amendments() == PolicyAmendments()
    assert tuple(find_rules(settings, lambda _: ())) == (AddressTag("email"), NameIsAddress())


def test_the_scope_is_handed_on(load):
    text = "scope: {include: {ous: [A], accounts: [B]}, exclude: {ous: [C], accounts: [D]}}\n"
    assert load(text).domain_scope() == Scope(("A",), ("B",), ("C",), ("D",))
    text = "scope: {include: {account_tags: [env=prod]}, exclude: {account_tags: [stage=old, a=]}}\n"
    assert load(text).domain_scope() == Scope(include_tags=("env=prod",), exclude_tags=("stage=old", "a="))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", False),
        ("scope: {include: {account_tags: [env=prod]}}", True),
        ("scope: {exclude: {account_tags: [env=prod]}}", True),
        ("waves: [{name: a, account_tags: [env=prod]}, {name: rest}]", True),
        ("waves: [{name: a, user_tags: [env=prod]}, {name: rest}]", False),
    ],
)
def test_tags_of_accounts_are_read_only_where_a_selector_asks(load, text, wanted):
    assert wanted == load(text).wants_account_tags()


def test_waves_are_handed_on_in_order_with_every_selector(load):
    text = """
waves:
  - name: all-at-once
    percent: 2.5
    ous: [A]
    accounts: [B]
    account_tags: [stage=dev]
    user_tags: [team=ops]
    users: ["a*"]
  - {name: rest}
"""
    assert load(text).domain_waves() == (
        Wave(
            name="all-at-once",
            percent=2.5,
            ous=("A",),
            accounts=("B",),
            account_tags=("stage=dev",),
            user_tags=("team=ops",),
            users=("a*",),
        ),
        Wave("rest"),
    )


@pytest.mark.parametrize(
    "user",
    [
        "arn:aws:iam::012345678901:user/alice",
        "arn:aws-us-gov:iam::012345678901:user/team/a.b+c=d,e@f-g_h",
        "arn:aws-cn:iam::012345678901:user/a/b/c/alice",
        "AIDACKCEVSQ6C2EXAMPLE",
        "team=payments",
        "cost centre=",
        "owner=a=b",
    ],
)
def test_an_exemption_names_users_by_arn_user_id_or_tag(load, user):
    text = f'exemptions:\n  - {{user: "{user}", owner: ops, reason: moving, expires: 2027-01-31}}\n'
    assert load(text).domain_exemptions() == (Exemption(UserMatch(user), "ops", "moving", date(2027, 1, 31)),)


def test_a_ticket_and_a_quoted_day_are_taken_too(load):
    text = "exemptions:\n  - {user: a=b, owner: ops, reason: moving, expires: '2027-01-31', ticket: SEC-42}\n"
    [exemption] = load(text).domain_exemptions()
    assert exemption.sentence == "moving; owner ops, until 2027-01-31 UTC (SEC-42)"


def test_the_seed_to_the_letter_has_no_amendments(load):
    assert load("policy: {variant: seed}\n").domain_amendments() == SEED
    text = "policy: {amendments: {pathed_users: false, via_aws_service: true}}\n"
    assert load(text).domain_amendments() == PolicyAmendments(pathed_users=False, via_aws_service=True)


def test_context_values_are_spelt_as_iam_spells_them(load):
    text = "rules: {context: {aws:SourceIp: 192.0.2.1, aws:SecureTransport: true, x:Level: [1, two, 0.5]}}\n"
    assert load(text).rules.context == {
        "aws:SourceIp": ("192.0.2.1",),
        "aws:SecureTransport": ("true",),
        "x:Level": ("1", "two", "0.5"),
    }


def test_a_bare_off_is_the_word_off(load):
    """YAML takes it for false."""
    assert load("rules: {scps: off}\n").rules.scps == load("rules: {scps: 'off'}\n").rules.scps == "off"


CHANGES = [
    "scope: {exclude: {ous: [Prod]}}",
    "scope: {include: {account_tags: [env=prod]}}",
    "policy: {name: Other}",
    "policy: {variant: seed}",
    "policy: {attach: user}",
    "policy: {amendments: {via_aws_service: true}}",
    "rules: {keys_in_use_days: 30}",
    "rules: {break_glass: [a=b]}",
    "rules: {machines: {services: []}}",
    "rules: {scps: off}",
    "rules: {context: {aws:SourceIp: 192.0.2.1}}",
    "waves: [{name: all}]",
    "waves: [{name: canary, percent: 6}, {name: rest}]",
    "waves: [{name: canary, percent: 5, users: [a]}, {name: rest}]",
    "waves: [{name: first, percent: 5}, {name: rest}]",
]

SAME = [
    "organization: o-a1b2c3d4e5",  # checked on its own, against the live one
    "version: 1",
    "access: {roles: [Other]}",
    "exemptions: [{user: a=b, owner: x, reason: y, expires: 2027-01-31}]",
    "gates: {lead_time: 7d, soak: 1d}",
    "notify: {sender: other@example.com}",
    "engine: {max_accounts: 1}",
    "store: elsewhere",
    "store: s3://bucket/prefix\nbucket: {kms_key: alias/rollout}",
    "waves: [{name: canary, percent: 5.0}, {name: rest}]",
    "rules: {plan_max_age: 720h, max_exempt_percent: 10.0}",
    "scope: {include: {ous: ['*']}}",
]


@pytest.mark.parametrize("text", CHANGES)
def test_what_a_plan_was_made_by_is_decisive(load, text):
    assert load(text).decisive() != load("").decisive()


@pytest.mark.parametrize("text", SAME)
def test_what_may_change_before_an_apply_is_not(load, text):
    assert load(text).decisive() == load("").decisive()


def test_order_matters_only_where_it_has_a_meaning(load):
    one = load("scope: {exclude: {ous: [A, B]}}\nrules: {break_glass: [a=b, c=d]}\n").decisive()
    other = load("rules: {break_glass: [c=d, a=b]}\nscope: {exclude: {ous: [B, A]}}\n").decisive()
    assert json.dumps(one) == json.dumps(other)
    one = load("waves: [{name: a, percent: 1}, {name: b, percent: 9}, {name: c}]").decisive()
    other = load("waves: [{name: b, percent: 9}, {name: a, percent: 1}, {name: c}]").decisive()
    assert one != other


def test_what_is_decisive_can_be_digested(load):
    decisive = load().decisive()
    assert json.loads(json.dumps(decisive)) == decisive
    assert list(decisive) == ["policy", "rules", "scope", "waves"]
    assert decisive["rules"]["plan_max_age"] == "30d"
