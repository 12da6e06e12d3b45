"""Says what the page cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollout.counted import number_of
from rollout.domain.progress.messages import Delivery
from rollout.domain.verdicts.verdict import Code
from rollout.reporting import spelling
from rollout.reporting.account_columns import ListedState
from rollout.reporting.frames import Counts
from rollout.reporting.page.links import filtered
from rollout.reporting.report_data import ReportData

OLD = timedelta(hours=24)
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that the page cannot tell; a `gap` hides something, the others hold for every report."""

    title: str
    text: str
    gap: bool = True
    items: tuple[str, ...] = ()
    link: str = ""


def limits(report: ReportData, counts: Counts) -> list[Limit]:
    """List what the page cannot tell, gaps first."""
    found = (
        *_unseen(report, counts),
        *_unknown(counts),
        *_policies(report),
        *_ages(report),
        *_unsure(report, counts),
        Limit(
            "IAM users only",
            "Root users, roles and people who sign in through IAM Identity Center are not IAM users. "
            "This page says nothing about their MFA.",
            gap=False,
        ),
    )
    return sorted(found, key=lambda limit: not limit.gap)


def _unseen(report: ReportData, counts: Counts) -> Iterator[Limit]:
    unreachable = [
        account.left_out
        for account in report.accounts
        if account.left_out and account.state == ListedState.UNREACHABLE
    ]
    if unreachable:
        yield Limit(
            f"{number_of(len(unreachable), 'account')} could not be entered",
            "The numbers on this page do not include the users there.",
            items=tuple(f"{one.name} ({one.account_id}): {one.reason}" for one in unreachable[:_NAMED]),
            link="#accounts",
        )
    on_purpose = {
        state: number
        for state, number in sorted(counts.listed.items())
        if state not in (ListedState.ENTERED, ListedState.UNREACHABLE)
    }
    if on_purpose:
        states = ", ".join(f"{number:,} {state}" for state, number in on_purpose.items())
        yield Limit(
            f"{number_of(sum(on_purpose.values()), 'account')} left out on purpose",
            f"{states}. The numbers on this page do not include the users there.",
            gap=False,
            link="#accounts",
        )


def _unknown(counts: Counts) -> Iterator[Limit]:
    if counts.unknown:
        yield Limit(
            f"{number_of(counts.unknown, 'user')} could not be judged",
            "A fact that the decision needs could not be read, so they are on hold. "
            "Their rows show only what could be read.",
            link=filtered(reasons=Code.UNKNOWN),
        )


def _policies(report: ReportData) -> Iterator[Limit]:
    match report.header.scps:
        case "auto":
            pass
        case "off":
            yield Limit(
                "Service control policies were not read",
                "The operator switched this off (rules.scps: off). Whether such a policy keeps a user from "
                "enrolling a device, or already enforces MFA, is not known.",
            )
        case other:
            yield Limit("Service control policies", f"The plan says: {other}.")


def _ages(report: ReportData) -> Iterator[Limit]:
    read_at = report.header.inventory_at
    age = report.now - read_at
    yield Limit(
        f"The facts are {spelling.span(age)} old",
        f"AWS was read on {spelling.minute(read_at)}. Users who were created, changed or removed since then, and "
        "anything done without this tool, do not show here; what this tool did since then does.",
        gap=age >= OLD,
    )
    read = [account.read for account in report.accounts if account.read]
    generated = [account.report_at for account in read if account.report_at]
    if generated:
        yield Limit(
            "Credential reports lag behind",
            f"AWS generated them {_between(min(generated), max(generated))}, and generates new ones every four "
            "hours at most. MFA devices, passwords and access keys are shown as of then.",
            gap=False,
        )
    without = [account for account in read if account.report_at is None]
    if without:
        yield Limit(
            f"{number_of(len(without), 'account')} without a credential report",
            "The last use of passwords and access keys may be missing there.",
            items=tuple(f"{account.name} ({account.account_id})" for account in without[:_NAMED]),
        )


def _between(first: datetime, last: datetime) -> str:
    one, other = spelling.minute(first), spelling.minute(last)
    return f"on {one}" if one == other else f"between {one} and {other}"


def _unsure(report: ReportData, counts: Counts) -> Iterator[Limit]:
    if counts.queued:
        yield Limit(
            f"{number_of(counts.queued, 'notice')} queued",
            "They were handed to the outbox. Whether they arrived is not known.",
            link=filtered(delivery=Delivery.QUEUED, enforced="no"),
        )
    if report.unsettled:
        yield Limit(
            f"{number_of(report.unsettled, 'change')} unsettled",
            "A run broke off after a write and before its outcome was recorded. The next run reads back what "
            "came of it.",
            link="#changes",
        )
    if not report.runs:
        yield Limit(
            "Nothing has been carried out yet",
            "The journal has no run for this organization.",
            gap=False,
        )
