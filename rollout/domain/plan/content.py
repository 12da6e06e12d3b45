"""Digests what a plan decides, so that planning again with the same result can keep the rehearsed plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

from rollout.domain.plan.entries import AccountPlan, Header, PlanEntry
from rollout.domain.plan.fingerprints import digest


def content_digest(header: Header, accounts: Iterable[str]) -> str:
    """Digest the users in a plan, the decisions about them with their facts, and the accounts left out.

    `accounts` are the digests of the accounts in the plan, sorted by id.

    Ids, times, numbers of requests and findings are not digested: they differ from run to run and decide nothing.
    """
    left_out = sorted((left.account_id, left.name, left.ou, left.state) for left in header.left_out)
    digests = header.digests
    top = [header.organization_id, digests.policy, digests.settings, header.scps, left_out]
    return digest([top, *accounts])


def account_digest(account: AccountPlan) -> str:
    """Digest the users of one account, and what is decided about them."""
    entries = sorted(account.entries, key=lambda entry: entry.user.id)
    named = [account.account_id, account.name, account.ou]
    return digest([*named, astuple(account.ours), [_entry(entry) for entry in entries]])


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
