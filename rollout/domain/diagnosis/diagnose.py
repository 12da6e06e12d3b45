"""Runs every check of `rollout doctor` on what was read, from the caller to the last account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rollout.domain.diagnosis import account_checks, caller_checks, organization_checks, store_checks
from rollout.domain.diagnosis.check import Check, CheckResult, CheckSection, Diagnosis
from rollout.domain.diagnosis.facts import DoctorFacts
from rollout.domain.diagnosis.store_facts import RecordFacts, StoreFacts
from rollout.domain.people.organization import Account

Facts = TypeVar("Facts")


def diagnose(facts: DoctorFacts, store: StoreFacts | None = None) -> Diagnosis:
    """Run every check; the results are in the order of the checks, account by account. `store`: None if not read."""
    results = [*_asked(CheckSection.CALLER, caller_checks.CALLER_CHECKS, facts)]
    organization = facts.organization
    if organization is not None:
        results += _asked(CheckSection.ORGANIZATION, organization_checks.ORGANIZATION_CHECKS, organization)
    if store is not None:
        results += _asked(CheckSection.STORE, store_checks.STORE_CHECKS, store)
    for probe in facts.accounts:
        results += _asked(CheckSection.ACCOUNT, account_checks.ACCOUNT_CHECKS, probe, probe.account)
    another = organization is not None and organization.is_another
    altered = store is not None and isinstance(store.record, RecordFacts) and store.record.altered
    return Diagnosis(tuple(results), another, altered)


def _asked(
    section: CheckSection, checks: Iterable[Check[Facts]], facts: Facts, account: Account | None = None
) -> Iterator[CheckResult]:
    at = (account.id, account.name) if account else ("", "")
    for check in checks:
        for answer in check.answer(facts):
            name = check.name.replace("…", answer.about)
            yield CheckResult(section, name, answer.state, answer.text, answer.cures, *at)
