"""A summary in Markdown, for a comment, a wiki or $GITHUB_STEP_SUMMARY: the numbers, and what waits for a person."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.counted import number_of
from rollout.reporting import spelling
from rollout.reporting.account_columns import ListedState, percent
from rollout.reporting.formats.written_report import WrittenReport
from rollout.reporting.markdown import SHOWN, escaped, more, said, table
from rollout.reporting.plan_review import movements_in_markdown


def report_summary(report: WrittenReport) -> Iterator[str]:
    """Yield the summary; it has no row for each user."""
    data, counts = report.data, report.counts
    share = percent(counts.under_mfa, counts.users)
    yield (
        f"## MFA of {number_of(counts.users, 'IAM user')}: {counts.under_mfa:,} enforced"
        f"{'' if share is None else f' ({share:g} %)'}\n\n"
        f"Organization {said(data.header.organization_id)}, plan {said(data.header.id)}, AWS read "
        f"{spelling.minute(data.header.inventory_at)}, report of {spelling.minute(data.now)}.\n\n"
    )
    yield from table(
        ("verdict", "#users", "#not enforced"),
        ((kind, f"{users:,}", f"{counts.unprotected[kind]:,}") for kind, users in counts.verdicts.items()),
    )
    yield from table(
        ("wave", "#users", "#queued", "#told", "#enforced", "waits for"),
        (
            (
                *(said(wave.name), wave.users, wave.queued, wave.told, wave.enforced),
                escaped("; ".join(f"{what} ({users})" for what, users in wave.waits[:3])),
            )
            for wave in data.waves
        ),
    )
    yield from movements_in_markdown(data.moved) if data.moved else ()
    held = [one for one in counts.reasons if one.verdict == "hold"]
    if held:
        yield "### On hold\n\n"
        rows = ((said(one.reason), one.users, one.accounts, escaped(one.cure)) for one in held)
        yield from table(("reason", "#users", "#accounts", "what to do"), rows)
    unread = [one for one in data.accounts if one.left_out and one.state == ListedState.UNREACHABLE]
    if unread:
        yield f"### Not seen: {number_of(len(unread), 'account')}\n\n"
        yield from table(
            ("account", "name", "reason"),
            (
                (
                    said(one.part.account_id),
                    said(one.part.name),
                    escaped(one.left_out.reason if one.left_out else ""),
                )
                for one in unread[:SHOWN]
            ),
        )
        yield from more(len(unread) - SHOWN, "`accounts.csv`")
    yield "Root users, roles and people of IAM Identity Center are not IAM users: this says nothing about them.\n"
