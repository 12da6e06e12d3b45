"""Accounts as they may be found: people, machines, policies sound and odd, quotas nearly used up, facts missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from rollout.domain.people.addresses import AddressTag, NameIsAddress
from rollout.domain.people.exemptions import UserMatch
from rollout.domain.people.observations import AccountFacts, Observed, PasswordPolicy, PolicyVersion, Quotas
from rollout.domain.people.users import (
    AccessKey,
    DeviceKind,
    NamedPolicy,
    Password,
    ServiceCredential,
    Unread,
    User,
)
from rollout.domain.policy.attachment import Attachment
from rollout.domain.verdicts.judged_account import JudgedAccount, judged_account
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import DecisionRules
from tests.builders import ACCOUNT, NOW, a_device, a_user, account_facts, an_account, an_exemption, days_ago
from tests.domain.judging import (
    DENY_WITHOUT_MFA,
    DOCUMENTS,
    EVERYTHING,
    LEFT_OPEN,
    NO_MFA,
    OURS_ARN,
    SEED_DOCUMENTS,
    a_document,
    a_group,
    a_level,
    a_managed,
    allow,
    deny,
    deny_all_but,
    made_by_us,
    ours_in_place,
    the_rules,
)

OFFICE = {"aws:SourceIp": "192.0.2.0/24"}
PRESENT = "aws:MultiFactorAuthPresent"

TEXTS: dict[str, Any] = {
    "Everything": EVERYTHING,
    "SelfService": DOCUMENTS.brake,
    "OldSelfService": SEED_DOCUMENTS.brake,
    "Storage": a_document(allow("s3:*", "ec2:Describe*")),
    "Enforcer": a_document(DENY_WITHOUT_MFA),
    "SeedCopy": SEED_DOCUMENTS.full,
    "DenyAll": a_document(deny("*", when=NO_MFA)),
    "Bool": a_document(deny_all_but(*LEFT_OPEN, when={"Bool": {PRESENT: "false"}})),
    "Inverted": a_document(deny(*LEFT_OPEN, when=NO_MFA)),
    "IamOpen": a_document(deny_all_but("iam:*", "sts:*", when=NO_MFA)),
    "HalfA": a_document(deny("s3:*", "ec2:*", "madeup:*", when=NO_MFA)),
    "HalfB": a_document(deny_all_but("s3:*", "ec2:*", "madeup:*", *LEFT_OPEN, when=NO_MFA)),
    "OneRegion": a_document(
        deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringEquals": {"aws:RequestedRegion": "us-east-1"}})
    ),
    "OfficeOnly": a_document(deny("iam:*", when={"NotIpAddress": OFFICE})),
    "EnforceAtOffice": a_document(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "IpAddress": OFFICE})),
    "FromOffice": a_document(allow("*", when={"IpAddress": OFFICE})),
    "NoDevices": a_document(deny("iam:EnableMFADevice")),
    "NoOwnName": a_document(deny("iam:CreateVirtualMFADevice", on="arn:aws:iam::*:mfa/${aws:username}")),
    "Robots": a_document(deny("iam:*", when={"StringEquals": {"aws:PrincipalTag/kind": "robot"}})),
    "Pathed": a_document(deny("iam:*", on="arn:aws:iam::*:user/team/*")),
    "Named": a_document(deny_all_but(*LEFT_OPEN, when={**NO_MFA, "StringLike": {"aws:username": "a*"}})),
    "Broken": "{",
    "Odd": a_document(deny("*", when={"StringResembles": {"aws:username": "a"}})),
}
MANAGED = {name: a_managed(name, raw=text) for name, text in TEXTS.items()}
LIBRARY = Library()  # parsing the same few documents anew for every example would take most of the time
AWAY = Unread("service-specific credentials", "AccessDenied")
UNREAD_ARN = f"arn:aws:iam::{ACCOUNT}:policy/NeverRead"

texts = st.sampled_from(sorted(TEXTS))
# Mostly harmless, so that not everybody is held.
tame = st.sampled_from(["Everything", "SelfService", "Storage", "Enforcer", "HalfA", "HalfB", "Named"])
some_texts = st.one_of(st.lists(tame, max_size=2, unique=True), st.lists(texts, max_size=3, unique=True))
days = st.one_of(st.none(), st.sampled_from([0, 1, 30, 89, 90, 91, 400]))
moments = days.map(lambda count: None if count is None else days_ago(count))

passwords = st.one_of(
    st.none(),
    st.just(Password(days_ago(1), days_ago(40))),
    st.builds(
        Password,
        moments,
        moments,
        st.one_of(st.none(), st.integers(-30, 30).map(days_ago)),
        st.sampled_from([None, False, True]),
    ),
)
steady_passwords = st.sampled_from(
    [None, Password(days_ago(1), days_ago(40)), Password(days_ago(100), days_ago(400), days_ago(-20))]
)
keys = st.lists(
    st.builds(
        AccessKey,
        slot=st.just(1),
        active=st.booleans(),
        created=moments,
        last_used=moments,
        service=st.sampled_from([None, "s3", "ses", "bedrock"]),
    ),
    max_size=2,
).map(lambda found: tuple(replace(key, slot=slot) for slot, key in enumerate(found, start=1)))


@st.composite
def users(draw: st.DrawFn, name: str = "alice", *, wild: bool = True) -> User:
    """Anybody; where not `wild`, somebody whose facts are all known and who can be told."""
    kinds = draw(st.lists(st.sampled_from(list(DeviceKind)), max_size=2))
    known = draw(st.booleans())
    tags = draw(
        st.dictionaries(
            st.sampled_from(["email", "kind", "InvokedBy", "team"]),
            st.sampled_from(["alice@example.com", "robot", "SESConsole", ""]),
            max_size=3,
        )
    )
    if not wild:
        tags = {"email": "alice@example.com", **draw(st.sampled_from([{}, {}, {"kind": "robot"}]))}
    return a_user(
        name,
        path=draw(st.sampled_from(["/", "/", "/team/", "/a/b/"])),
        password=draw(passwords if wild else steady_passwords) or False,
        mfa_active=bool(kinds),
        devices=tuple(a_device(kind, name) for kind in kinds) if known else None,
        keys=draw(keys),
        service_credentials=tuple(
            ServiceCredential(service, draw(st.booleans()))
            for service in draw(st.lists(st.sampled_from(["codecommit", "bedrock"]), max_size=1))
        ),
        groups=tuple(
            draw(
                st.lists(st.sampled_from(["Staff", "Admins", *(["Unread"] * wild)]), max_size=2, unique=True)
            )
            + [f"g{number}" for number in range(draw(st.sampled_from([0, 0, 8, 9])))]
        ),
        attached=tuple(
            [MANAGED[name].arn for name in draw(some_texts)]
            + draw(st.sampled_from([[], [], [], [UNREAD_ARN] * wild]))
            + [f"arn:aws:iam::aws:policy/p{number}" for number in range(draw(st.sampled_from([0, 0, 8, 9])))]
        ),
        inline=tuple(NamedPolicy(name, TEXTS[name]) for name in draw(some_texts)),
        boundary=draw(st.sampled_from([None, None, None, "Everything", "SelfService", "Storage"])),
        tags=tags,
        unread=draw(st.sampled_from([(), (), (), ("GetLoginProfile",)])) if wild else (),
    )


def _names(policies: Iterable[NamedPolicy]) -> list[str]:
    return [policy.name for policy in policies]


def _versions(facts: AccountFacts) -> tuple[PolicyVersion, ...]:
    return facts.policies[OURS_ARN].versions if OURS_ARN in facts.policies else ()


@dataclass(frozen=True, repr=False)
class Situation:
    """One user, the account around them, and the rules."""

    user: User
    observed: Observed
    rules: DecisionRules
    ours: frozenset[str]

    def __repr__(self) -> str:
        """What a person needs to see of a failing example; the documents are told by their names."""
        facts, rules = self.observed.facts, self.rules
        groups = [(group.name, group.attached, _names(group.inline)) for group in facts.groups.values()]
        ours = [(version.id, version.is_default) for version in _versions(facts)]
        seed = rules.documents is SEED_DOCUMENTS
        decided = (
            rules.exemptions,
            rules.enforce_machines,
            rules.break_glass,
            rules.operators,
            rules.context,
        )
        inline = _names(self.user.inline)
        scps = self.observed.scps and [_names(level) for level in self.observed.scps]
        return (
            f"Situation({replace(self.user, inline=())!r}, {inline=}, {groups=}, {ours=}, {scps=}, {seed=}, "
            f"{decided=}, {rules.attach=}, {facts.quotas!r}, {facts.password_policy!r}, {facts.unread=})"
        )

    def around(self, now: datetime = NOW) -> JudgedAccount:
        """A fresh account, which remembers nobody else's answers."""
        return judged_account(
            self.observed, self.rules, LIBRARY, now, made_by_us(self.observed.facts, self.ours)
        )

    def dates(self) -> Iterator[datetime]:
        """Every date that this user has, and the end of each exemption."""
        password = self.user.password
        if password:
            yield from filter(None, (password.last_used, password.last_changed, password.next_rotation))
        for key in self.user.keys:
            yield from filter(None, (key.created, key.last_used))
        for exemption in self.rules.exemptions:
            yield datetime.combine(exemption.expires, time(), UTC)

    def with_user(self, user: User) -> Situation:
        facts = replace(self.observed.facts, users=(user,))
        return replace(self, user=user, observed=replace(self.observed, facts=facts))

    def with_rules(self, **rules: Any) -> Situation:
        return replace(self, rules=replace(self.rules, **rules))


@st.composite
def rules_of(draw: st.DrawFn, user: User, *, wild: bool = True) -> DecisionRules:
    me = (UserMatch(user.arn),)
    exemptions = [(), (), (), (an_exemption(user.id),), (an_exemption(user.id, days=-1),)]
    return the_rules(
        documents=draw(st.sampled_from([DOCUMENTS, DOCUMENTS, SEED_DOCUMENTS])),
        exemptions=draw(st.sampled_from(exemptions)) if wild else (),
        enforce_machines=draw(st.sampled_from([(), me])),
        break_glass=draw(st.sampled_from([(), (), (), me])) if wild else (),
        operators=draw(st.sampled_from([frozenset(), frozenset(), frozenset({user.arn})]))
        if wild
        else frozenset(),
        notice_for_unaffected=draw(st.booleans()),
        attach=draw(st.sampled_from([Attachment.GROUP, Attachment.GROUP, Attachment.USER])),
        find=draw(st.sampled_from([(AddressTag("email"),), (AddressTag("email"), NameIsAddress())])),
        context=draw(st.sampled_from([{}, {}, {"aws:SourceIp": "192.0.2.7"}])),
        lead_time=timedelta(days=draw(st.sampled_from([0, 14]))),
    )


@st.composite
def facts_around(draw: st.DrawFn, *people: User, wild: bool = True) -> tuple[AccountFacts, frozenset[str]]:
    place = draw(st.sampled_from([{}, {}, ours_in_place(), ours_in_place(default=1)]))
    ours = frozenset(place.get("ours", ()))
    named = {group for user in people for group in user.groups} - {"Unread"}
    groups = [
        a_group(
            name,
            *(MANAGED[text].arn for text in draw(st.lists(tame, max_size=1))),
            inline=[NamedPolicy(text, TEXTS[text]) for text in draw(st.lists(tame, max_size=1))],
        )
        for name in sorted(named)
        if not name.startswith("g") or name == "g0"
    ]
    groups += [a_group(name) for name in sorted(named) if name.startswith("g") and name != "g0"]
    aws = [
        replace(a_managed(f"p{number}", allow("s3:*")), arn=f"arn:aws:iam::aws:policy/p{number}")
        for number in range(9)
    ]
    facts = account_facts(
        *people,
        groups=[*groups, *place.get("groups", ())],
        policies=[*MANAGED.values(), *aws, *place.get("policies", ())],
        password_policy=draw(
            st.sampled_from([None, None, PasswordPolicy(90, hard_expiry=True), PasswordPolicy(None)])
        ),
        quotas=draw(st.sampled_from([Quotas(), Quotas(), Quotas(groups_left=0), Quotas(policies_left=0)])),
        unread=draw(st.sampled_from([(), (), (), (AWAY,)])) if wild else (),
    )
    return facts, ours


steady_levels = st.sampled_from(
    [
        (),
        (),
        (a_level(), a_level()),
        (a_level(deny("organizations:*")),),
        (a_level(), a_level(deny("iam:*"))),
        (a_level(DENY_WITHOUT_MFA),),
        ((NamedPolicy("Storage", TEXTS["Storage"]),),),
    ]
)
levels = st.one_of(steady_levels, st.none())


@st.composite
def situations(draw: st.DrawFn, *, wild: bool = True) -> Situation:
    """Any situation; where not `wild`, one in which people are not held for want of facts."""
    user = draw(users(wild=wild))
    if user.boundary_arn:
        user = replace(user, boundary_arn=MANAGED[user.boundary_arn].arn)
    facts, ours = draw(facts_around(user, wild=wild))
    observed = Observed(an_account(), "role", facts, draw(levels if wild else steady_levels))
    return Situation(user, observed, draw(rules_of(user, wild=wild)), ours)
