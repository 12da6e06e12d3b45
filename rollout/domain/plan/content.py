"""Digests what a plan decides, so that planning again without a difference can keep the plan that was rehearsed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
from rollout.domain.plan.fingerprints import digest


def content_digest(header: Header, accounts: Iterable[AccountPlan]) -> str:
    """Digest who is in a plan, what is decided of them and on which facts, and who is left out.

    Ids, times, requests made and findings are no part of it: they differ from one look to the next, and decide nothing.
    """
    left_out = sorted((left.account_id, left.name, left.ou, left.state) for left in header.left_out)
    digests = header.digests
    top = [header.organization_id, digests.policy, digests.settings, header.scps, left_out]
    return digest([top, *(digest(_account(account)) for account in accounts)])


def _account(account: AccountPlan) -> list[object]:
    entries = sorted(account.entries, key=lambda entry: entry.user.id)
    named = [account.account_id, account.name, account.ou]
    return [*named, astuple(account.ours), [_entry(entry) for entry in entries]]


def _entry(entry: PlanEntry) -> list[object]:
    return [
        astuple(entry.user),
        entry.verdict,
        entry.because,
        entry.wave,
        entry.impact,
        entry.attachment,
        entry.fingerprint,
        entry.cure,
        entry.address,
        entry.exempt_until,
        entry.covered_by,
        entry.enforced_by,
    ]
