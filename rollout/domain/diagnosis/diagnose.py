"""Goes through everything that was seen, from the caller to the last account."""

from __future__ import annotations

from rollout.domain.diagnosis.check import Check, Diagnosis, Section, State
from rollout.domain.diagnosis.facts import AccountLook, Seen
from rollout.domain.diagnosis.of_account import check_account
from rollout.domain.diagnosis.of_caller import check_caller
from rollout.domain.diagnosis.of_organization import check_organization, is_another
from rollout.domain.people.organization import Caller


def diagnose(seen: Seen) -> Diagnosis:
    """Check all of it."""
    checks = list(check_caller(seen.caller, seen.environment_facts))
    look = seen.organization
    if isinstance(seen.caller, Caller) and look is not None:
        checks += check_organization(look, seen.caller)
    ended = next((account for account in seen.accounts if account.ends and account.refused), None)
    if ended:
        checks.append(_ended(ended))
    for account in seen.accounts:
        checks += check_account(account, seen.way_in)
    return Diagnosis(tuple(checks), other_organization=look is not None and is_another(look))


def _ended(look: AccountLook) -> Check:
    why, cure = (look.refused.why, look.refused.cure) if look.refused else ("", "")
    text = f"ended on the way through the accounts: {why}"
    return Check(Section.CALLER, "session", State.FAILURE, text, (cure,) if cure else ())
