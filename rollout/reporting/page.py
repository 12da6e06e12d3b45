"""Lays the report out as one page that stands alone: no network, no library, and no script but its own."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import pairwise
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rollout.domain.progress.messages import Delivery
from rollout.domain.verdicts.verdict import Kind
from rollout.reporting import moments, words
from rollout.reporting.frames import Counts
from rollout.reporting.packed import DETAILS_UP_TO, packed
from rollout.reporting.rows import AccountRow, Flat, RunRow, UserRow, percent
from rollout.reporting.user_standing import days_left

# Beyond this a reader without JavaScript is sent to users.csv.
PLAIN_ROWS_UP_TO = 500
EXEMPTIONS_UP_TO = 500
FINDINGS_UP_TO = 500
CHANGES_UP_TO = 100
SOON = timedelta(days=14)
OLD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the users table, for the page without JavaScript and with it."""

    key: str
    label: str
    text: Callable[[UserRow], str]


def _yes(flag: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if flag else "no"


def _mfa(row: UserRow) -> str:
    return ", ".join(row.mfa_kinds) or _yes(row.mfa_active)


COLUMNS = (
    Column("user_name", "User", lambda row: row.user_name),
    Column("account_name", "Account", lambda row: row.account_name),
    Column("verdict", "Verdict", lambda row: row.verdict),
    Column("state", "State", lambda row: row.state),
    Column("waits_for", "Waits for", lambda row: row.waits_for),
    Column("reasons", "Reasons", lambda row: ", ".join(row.reasons)),
    Column("impact", "Impact", lambda row: row.impact),
    Column("wave", "Wave", lambda row: row.wave),
    Column("mfa", "MFA", _mfa),
    Column("active_keys", "Keys", lambda row: str(row.active_keys)),
    Column("key_last_used", "Key used", lambda row: moments.day(row.key_last_used)),
    Column("console", "Console", lambda row: _yes(row.console_access)),
    Column("password_last_used", "Signed in", lambda row: moments.day(row.password_last_used)),
    Column("ou_path", "OU", lambda row: row.ou_path),
    Column("account_id", "Account id", lambda row: row.account_id),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that the page cannot tell; a `gap` hides something, the others hold for every report."""

    title: str
    text: str
    gap: bool = True
    items: tuple[str, ...] = ()
    link: str = ""
    filters: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, and the filter of the users table that shows who it is."""

    number: str
    label: str
    note: str
    tone: str = ""
    filters: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of the stacked bar, in thousandths of its width."""

    name: str
    label: str
    users: int
    x: int
    width: int
    percent: float | None


@dataclass(frozen=True, slots=True)
class ExemptionLine:
    """One exempt user, and how long it lasts."""

    row: UserRow
    days_left: int | None

    @property
    def tone(self) -> str:
        """Over, ending soon, or neither."""
        if self.days_left is None:
            return ""
        return "over" if self.days_left <= 0 else "soon" if self.days_left <= SOON.days else ""


def page(flat: Flat, counts: Counts) -> Iterator[str]:
    """Yield the page as text."""
    environment = _environment()
    style, script = _asset(environment, "report.css"), _asset(environment, "report.js")
    exemptions = _exemptions(flat)
    noteworthy = [row for row in flat.changes if row.outcome in ("failed", "unsettled", "overridden")]
    entered, left_out = _accounts(flat)
    context: dict[str, Any] = {
        "columns": COLUMNS,
        "counts": counts,
        "csp": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "data": packed(flat),
        "details": len(flat.users) <= DETAILS_UP_TO,
        "entered": entered,
        "exemptions": exemptions[:EXEMPTIONS_UP_TO],
        "exemptions_total": len(exemptions),
        "exemptions_odd": [finding for finding in flat.findings if finding.code.startswith("exemption")],
        "findings": flat.findings[:FINDINGS_UP_TO],
        "flat": flat,
        "header": flat.header,
        "latest": flat.changes[: -CHANGES_UP_TO - 1 : -1],
        "left_out": left_out,
        "limits": sorted(_limits(flat, counts), key=lambda limit: not limit.gap),
        "noteworthy": noteworthy[: -CHANGES_UP_TO - 1 : -1],
        "noteworthy_total": len(noteworthy),
        "plain": len(flat.users) <= PLAIN_ROWS_UP_TO,
        "runs": _latest_runs(flat),
        "script": Markup(script),  # noqa: S704 - our own file
        "segments": _segments(counts, flat),
        "share": percent(counts.under_mfa, counts.users),
        "style": Markup(style),  # noqa: S704 - our own file
        "tiles": _tiles(flat, counts),
        "words": words,
    }
    return environment.get_template("index.html.jinja").generate(context)


@cache  # compiling the templates takes longer than a small page
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rollout.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "span": moments.span,
        "day": moments.day,
        "minute": moments.minute,
        "stamp": moments.stamp,
        "count": lambda number: "–" if number is None else f"{number:,}",
        "share": lambda number: "–" if number is None else f"{number:g} %",
        "tone": _tone,
    }
    environment.globals["users"] = _users
    return environment


def _asset(environment: Environment, name: str) -> str:
    if environment.loader is None:  # pragma: no cover - it has one
        return ""
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


def _users(number: int) -> str:
    return f"{number:,} user{'' if number == 1 else 's'}"


def _tone(word: str) -> str:
    """Make a class name of a word: `skipped(notice)` is styled as `skipped`."""
    return word.partition("(")[0].replace(" ", "-")


def _accounts(flat: Flat) -> tuple[list[AccountRow], list[AccountRow]]:
    entered = [row for row in flat.accounts if row.state == "entered"]
    left_out = [row for row in flat.accounts if row.state != "entered"]
    return entered, sorted(left_out, key=lambda row: (row.state != "unreachable", row.state, row.account_id))


def _exemptions(flat: Flat) -> list[ExemptionLine]:
    today = flat.now.date()
    lines = [
        ExemptionLine(row, days_left(row.exempt_until, today) if row.exempt_until else None)
        for row in flat.users
        if row.verdict == Kind.EXEMPT
    ]
    return sorted(lines, key=lambda line: (line.row.exempt_until or date.max, line.row.user_arn))


def _latest_runs(flat: Flat) -> Sequence[RunRow]:
    return flat.runs[: -CHANGES_UP_TO - 1 : -1]


def _segments(counts: Counts, flat: Flat) -> list[Segment]:
    """Split all users into five parts that add up: under our policy, under others', and three that are not."""
    apart = dict.fromkeys((Kind.ENFORCE, Kind.HOLD, Kind.EXEMPT), 0)
    for row in flat.users:
        if not row.under_mfa:
            apart[Kind(row.verdict)] += 1
    parts = (
        ("enforced", "Enforced by this tool", counts.enforced_by_us),
        ("covered", "Covered by other policies", counts.covered),
        ("waiting", "Waiting for enforcement", apart[Kind.ENFORCE]),
        ("hold", "On hold", apart[Kind.HOLD]),
        ("exempt", "Exempt", apart[Kind.EXEMPT]),
    )
    # Edges first, widths from them: rounding cannot leave a gap.
    edges, sum_ = [0], 0
    for _, _, users in parts:
        sum_ += users
        edges.append(sum_ * 1000 // counts.users if counts.users else 0)
    return [
        Segment(name, label, users, left, right - left, percent(users, counts.users))
        for (name, label, users), (left, right) in zip(parts, pairwise(edges), strict=True)
    ]


def _tiles(flat: Flat, counts: Counts) -> list[Tile]:
    verdicts = counts.verdicts
    today = flat.now.date()
    live: list[date] = [
        row.exempt_until
        for row in flat.users
        if row.verdict == Kind.EXEMPT and row.exempt_until and row.exempt_until >= today
    ]
    over = verdicts["exempt"] - len(live)
    parts = [f"{over:,} over" if over else "", f"next ends {min(live).isoformat()}" if live else ""]
    exempt = "; ".join(filter(None, parts)) or "nobody"
    unreachable = sum(row.state == "unreachable" for row in flat.accounts)
    entered = sum(row.state == "entered" for row in flat.accounts)
    held = (
        f"{counts.held_enforced:,} of them enforced"
        if counts.held_enforced
        else "not enforced; see the cures"
    )
    return [
        Tile(f"{counts.users:,}", "Users seen", f"in {entered:,} accounts"),
        Tile(
            f"{counts.enforced_by_us:,}",
            "Enforced",
            "by this tool",
            "enforced",
            "state=enforced",
        ),
        Tile(
            f"{verdicts['covered']:,}",
            "Covered",
            "by policies of others",
            "covered",
            "verdict=covered",
        ),
        Tile(
            f"{counts.waiting:,}",
            "Waiting",
            f"of {verdicts['enforce']:,} to be enforced",
            "waiting",
            "verdict=enforce&enforced=no",
        ),
        Tile(f"{verdicts['exempt']:,}", "Exempt", exempt, "exempt", "verdict=exempt"),
        Tile(f"{verdicts['hold']:,}", "On hold", held, "hold", "verdict=hold"),
        Tile(f"{counts.no_mfa:,}", "No MFA device", "whatever their verdict", "no-mfa", "mfa=no"),
        Tile(
            f"{unreachable:,}",
            "Accounts unseen",
            "could not be entered" if unreachable else "every account due was entered",
            "unseen" if unreachable else "",
        ),
    ]


# --- What the page cannot tell ---


def _limits(flat: Flat, counts: Counts) -> Iterator[Limit]:
    yield from _unseen(flat)
    if counts.unknown:
        yield Limit(
            f"{_users(counts.unknown)} could not be judged",
            "A needed fact could not be read, so they are on hold as unknown. "
            "What their lines show is only what was seen.",
            link="#users",
            filters="reason=unknown",
        )
    yield from _not_asked(flat)
    yield from _ages(flat)
    yield from _unsure(flat)
    yield Limit(
        "Only IAM users",
        "Root users, roles and people who come through IAM Identity Center are not IAM users. "
        "This page says nothing about their MFA.",
        gap=False,
    )


def _unseen(flat: Flat) -> Iterator[Limit]:
    unreachable = [row for row in flat.accounts if row.state == "unreachable"]
    if unreachable:
        many = len(unreachable) != 1
        yield Limit(
            f"{len(unreachable):,} account{'s' if many else ''} could not be entered",
            f"{'Their' if many else 'Its'} users are in no number on this page.",
            items=tuple(f"{row.account_name} ({row.account_id}): {row.reason}" for row in unreachable[:10]),
            link="#left-out",
        )
    on_purpose = [row for row in flat.accounts if row.state not in ("entered", "unreachable")]
    if on_purpose:
        states = sorted({row.state for row in on_purpose})
        told = ", ".join(f"{sum(row.state == state for row in on_purpose):,} {state}" for state in states)
        yield Limit(
            f"{len(on_purpose):,} account{'s' if len(on_purpose) != 1 else ''} left out on purpose",
            f"{told}. Users there are in no number on this page.",
            gap=False,
            link="#left-out",
        )


def _not_asked(flat: Flat) -> Iterator[Limit]:
    match flat.header.scps:
        case "auto":
            pass
        case "off":
            yield Limit(
                "Service control policies were not read",
                "Switched off by the operator (rules.scps: off). Whether one keeps a user from enrolling, "
                "or already forces MFA, is not known.",
            )
        case other:
            yield Limit("Service control policies", f"As the plan has it: {other}.")


def _ages(flat: Flat) -> Iterator[Limit]:
    look = flat.header.inventory_at
    age = flat.now - look
    yield Limit(
        f"The look is {moments.span(age)} old",
        f"AWS was read on {moments.minute(look)}. Users made, changed or removed since, and whatever was done "
        "without this tool, are not seen here; what the journal did since is.",
        gap=age >= OLD,
    )
    reports = [row.report_at for row in flat.accounts if row.report_at]
    if reports:
        yield Limit(
            "Credential reports lag behind",
            f"AWS made them {_between(min(reports), max(reports))}, and renews them every four hours at "
            "most. Devices, passwords and keys are as they were then.",
            gap=False,
        )
    without = [row for row in flat.accounts if row.state == "entered" and row.report_at is None]
    if without:
        yield Limit(
            f"{len(without):,} account{'s' if len(without) != 1 else ''} without a credential report",
            "Last uses of passwords and keys there may be missing.",
            items=tuple(f"{row.account_name} ({row.account_id})" for row in without[:10]),
        )


def _between(first: datetime, last: datetime) -> str:
    one, other = moments.minute(first), moments.minute(last)
    return f"on {one}" if one == other else f"between {one} and {other}"


def _unsure(flat: Flat) -> Iterator[Limit]:
    queued = sum(row.delivery == Delivery.QUEUED and not row.enforced for row in flat.users)
    if queued:
        yield Limit(
            f"{queued:,} notice{'s' if queued != 1 else ''} queued",
            "Handed to the outbox; nobody knows whether they arrived.",
            link="#users",
            filters="delivery=queued&enforced=no",
        )
    if flat.unsettled:
        yield Limit(
            f"{flat.unsettled:,} change{'s' if flat.unsettled != 1 else ''} unsettled",
            "A run broke off between a change and its record. The next run reads back what came of it.",
            link="#changes",
        )
    if not flat.runs:
        yield Limit(
            "Nothing has been carried out yet",
            "The journal holds no run for this organization.",
            gap=False,
        )
