"""Puts the settings into the words that decisions need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rollout.domain.people.addresses import (
    AccountAddress,
    AddressRule,
    AddressTag,
    CatchAll,
    ListedPerson,
    NameAtDomain,
    NameIsAddress,
)
from rollout.domain.people.exemptions import UserMatch
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.force_mfa import allow_half, enrolment, force_mfa
from rollout.domain.policy.our_resources import Documents, Names
from rollout.domain.verdicts.rules import DecisionRules
from rollout.notify.words import has_words
from rollout.settings import Settings
from rollout.wiring.people_file import people_of, read_people
from rollout.wiring.seed_policy import seed
from rollout.workflows.inventory import Premises


def documents_for(settings: Settings, partition: str) -> Documents:
    """Write the documents of these settings for a partition."""
    full = force_mfa(seed(), partition, settings.domain_amendments())
    return Documents(full, allow_half(full), enrolment(partition))


def names_of(settings: Settings) -> Names:
    """Say what ours is called."""
    return Names(settings.policy.name, settings.policy.group)


IdentityCenters = Callable[[str], Iterable[ListedPerson]]
"""Gives the people of the Identity Center in a Region."""


def find_rules(settings: Settings, people_in: IdentityCenters) -> Iterator[AddressRule]:
    """Say how addresses are found, reading files of people and Identity Center. Raises BadSettings, AwsFailure."""

    def may_speak(language: str) -> bool:
        return has_words(language, settings.notify.templates)

    for way in settings.notify.find:
        if way.tag is not None:
            yield AddressTag(way.tag)
        elif way.username_at is not None:
            yield NameAtDomain(way.username_at)
        elif way.file is not None:
            yield read_people(way.file, may_speak)
        elif way.identity_center is not None:
            yield people_of(people_in(way.identity_center), may_speak)
        elif way.catch_all is not None:
            yield CatchAll(way.catch_all)
        else:
            yield AccountAddress() if way.account_email else NameIsAddress()


def rules_for(settings: Settings, where: Premises, people_in: IdentityCenters | None = None) -> DecisionRules:
    """Put the settings into the words that a judgement needs. Raises BadSettings, and AwsFailure of Identity Center.

    Without `people_in`, nobody's address is looked for, since it does not matter for those who are let out.
    """
    return DecisionRules(
        partition=where.organization.partition,
        names=names_of(settings),
        documents=documents_for(settings, where.organization.partition),
        exemptions=settings.domain_exemptions(),
        break_glass=tuple(UserMatch(text) for text in settings.rules.break_glass),
        enforce_machines=tuple(UserMatch(text) for text in settings.rules.enforce_machines),
        machines=settings.domain_machines(),
        operators=where.caller.operator_arns,
        keys_in_use_days=settings.rules.keys_in_use_days,
        covered_may_leave_open=settings.rules.covered_may_leave_open,
        enforce_without_credentials=settings.rules.no_credentials == "enforce",
        sign_in_proved=settings.rules.console_authorization == "proved",
        networks=settings.evidence.networks,
        lead_time=settings.gates.lead_time,
        notice_for_unaffected=settings.gates.notice_for_unaffected,
        attach=Attachment(settings.policy.attach),
        find=tuple(find_rules(settings, people_in)) if people_in else (),
        context=dict(settings.rules.context),
        organization_id=where.organization.id,
        management_account_id=where.organization.management_account_id,
    )
