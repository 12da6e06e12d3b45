"""The numbers at the head of the page: tiles, the bar of all users, and exemptions by their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from rollout.counted import number_of
from rollout.domain.verdicts.verdict import Kind
from rollout.reporting.account_columns import ListedState, percent
from rollout.reporting.frames import Counts
from rollout.reporting.page.links import filtered
from rollout.reporting.report_data import ReportData
from rollout.reporting.user_columns import UserLine

SOON = timedelta(days=14)


def days_left(until: date, today: date) -> int:
    """Count the days an exemption still covers, its last one included; 0 or less once it is over."""
    return (until - today).days + 1


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, and the link to the users behind it, or to what `place` names."""

    number: int
    label: str
    note: str
    tone: str = ""
    link: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class BarSegment:
    """One part of the stacked bar, in thousandths of its width."""

    name: str
    label: str
    users: int
    x: int
    width: int
    percent: float | None


@dataclass(frozen=True, slots=True)
class ExemptUser:
    """One exempt user, and how many days the exemption still lasts."""

    user: UserLine
    days_left: int | None

    @property
    def tone(self) -> str:
        """Over, ending soon, or neither."""
        if self.days_left is None:
            return ""
        return "over" if self.days_left <= 0 else "soon" if self.days_left <= SOON.days else ""


def exemptions(report: ReportData) -> list[ExemptUser]:
    """List the exempt users, those whose exemption ends first before the others."""
    exempt = [user for user in report.users if user.entry.verdict is Kind.EXEMPT]
    exempt.sort(key=lambda user: (user.entry.exempt_until or date.max, user.entry.user.arn))
    today = report.now.date()
    return [
        ExemptUser(user, days_left(user.entry.exempt_until, today) if user.entry.exempt_until else None)
        for user in exempt
    ]


def segments(counts: Counts) -> list[BarSegment]:
    """Split all users into five parts that add up: under our policy, under others', and three that are not."""
    parts = (
        ("enforced", "Enforced by this tool", counts.enforced_by_us),
        ("covered", "Covered by other policies", counts.verdicts[Kind.COVERED]),
        ("waiting", "Waiting for enforcement", counts.unprotected[Kind.ENFORCE]),
        ("hold", "On hold", counts.unprotected[Kind.HOLD]),
        ("exempt", "Exempt", counts.unprotected[Kind.EXEMPT]),
    )
    # Edges first, widths from them: rounding cannot leave a gap.
    edges, sum_ = [0], 0
    for _, _, users in parts:
        sum_ += users
        edges.append(sum_ * 1000 // counts.users if counts.users else 0)
    return [
        BarSegment(name, label, users, left, right - left, percent(users, counts.users))
        for (name, label, users), (left, right) in zip(parts, pairwise(edges), strict=True)
    ]


def tiles(report: ReportData, counts: Counts) -> list[Tile]:
    """Give the eight numbers that everybody asks for."""
    verdicts = counts.verdicts
    held_enforced = verdicts[Kind.HOLD] - counts.unprotected[Kind.HOLD]
    unreachable = counts.listed.get(ListedState.UNREACHABLE, 0)
    entered = number_of(counts.listed.get(ListedState.ENTERED, 0), "account")
    return [
        Tile(counts.users, "Users seen", f"in {entered}"),
        Tile(counts.enforced_by_us, "Enforced", "by this tool", "enforced", filtered(state="enforced")),
        Tile(verdicts[Kind.COVERED], "Covered", "by other policies", "covered", filtered(verdict="covered")),
        Tile(
            counts.unprotected[Kind.ENFORCE],
            "Waiting",
            f"of {verdicts[Kind.ENFORCE]:,} to be enforced",
            "waiting",
            filtered(verdict="enforce", enforced="no"),
        ),
        Tile(verdicts[Kind.EXEMPT], "Exempt", _exempt(report), "exempt", filtered(verdict="exempt")),
        Tile(
            verdicts[Kind.HOLD],
            "On hold",
            f"{held_enforced:,} of them enforced" if held_enforced else "not enforced; see the cures",
            "hold",
            filtered(verdict="hold"),
        ),
        Tile(counts.no_mfa, "No MFA device", "whatever their verdict", "no-mfa", filtered(mfa_active="no")),
        Tile(
            unreachable,
            "Accounts not seen",
            "could not be entered" if unreachable else "every account due was entered",
            "unseen" if unreachable else "",
            f"#accounts-filter=state:{ListedState.UNREACHABLE}",
            "accounts",
        ),
    ]


def _exempt(report: ReportData) -> str:
    lines = exemptions(report)
    live = [line.user.entry.exempt_until for line in lines if line.days_left and line.days_left > 0]
    over = f"{len(lines) - len(live):,} over" if len(live) < len(lines) else ""
    return "; ".join(filter(None, (over, f"next ends {live[0]}" if live else ""))) or "nobody"
