"""Digests what a plan decides, so that planning again with the same result can keep the rehearsed plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
from rollout.domain.plan.fingerprints import digest


def content_digest(header: Header, accounts: Iterable[AccountPlan]) -> str:
    """Digest the users in a plan, the decisions about them with their facts, and the accounts left out.

    Ids, times, numbers of requests and findings are not digested: they differ from run to run and decide nothing.
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
        entry.situation.ways,
        entry.situation.aws_login,
    ]
