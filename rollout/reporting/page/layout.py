"""Lays the report out as one page that stands alone: no network, no library, and no script but its own."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rollout.counted import number_of
from rollout.domain.plan.entries import Header
from rollout.domain.progress.request_counts import describe_requests
from rollout.domain.proof.proof_record import ProofRecord
from rollout.domain.status.over_time import KeptLook
from rollout.domain.status.to_decide import KEPT
from rollout.reporting import legend, spelling
from rollout.reporting.account_columns import ACCOUNTS, percent
from rollout.reporting.cells import CODE, COUNT, NUMBER, SHARE
from rollout.reporting.change_columns import ChangeOutcome, stage_of
from rollout.reporting.frames import Counts
from rollout.reporting.page.data import DETAILS_UP_TO, packed, packed_users
from rollout.reporting.page.limits import limits
from rollout.reporting.page.links import filtered, only
from rollout.reporting.page.ou_map import BANDS, ou_map
from rollout.reporting.page.overview import days_left, exemptions, segments, tiles
from rollout.reporting.page.timeline import burn_down, gantt
from rollout.reporting.report_data import ReportData
from rollout.reporting.tables import Column
from rollout.reporting.user_columns import USERS
from rollout.visible_text import visible

# Beyond this a reader without JavaScript is sent to users.csv.
PLAIN_ROWS_UP_TO = 500
EXEMPTIONS_UP_TO = 500
FINDINGS_UP_TO = 500
CHANGES_UP_TO = 100
SECTIONS = (
    ("decide", "To decide"),
    ("limits", "Limits"),
    ("time", "Over time"),
    ("overview", "OUs"),
    ("waves", "Waves"),
    ("users", "Users"),
    ("why", "Reasons"),
    ("findings", "Findings"),
    ("exemptions", "Exemptions"),
    ("accounts", "Accounts"),
    ("changes", "Changes"),
    ("proof", "Proof"),
    ("about", "About"),
    ("legend", "Legend"),
)
NOTEWORTHY = (ChangeOutcome.FAILED, ChangeOutcome.UNSETTLED, ChangeOutcome.OVERRIDDEN)


def page(
    report: ReportData, counts: Counts, proof: ProofRecord | None = None, looks: Sequence[KeptLook] = ()
) -> Iterator[str]:
    """Yield the page as text; `proof` is the newest of this policy, `looks` what was found earlier."""
    environment = _environment()
    exempt = exemptions(report)
    noteworthy = [line for line in report.changes if line.outcome in NOTEWORTHY]
    header = report.header
    context: dict[str, Any] = {
        "account_names": {account.part.account_id: account.part.name for account in report.accounts},
        "accounts_table": ACCOUNTS,
        "bands": BANDS,
        "counts": counts,
        "data": (packed_users(report.users, header.partition), packed(ACCOUNTS, report.accounts)),
        "decisions_kept": KEPT,
        "details": len(report.users) <= DETAILS_UP_TO,
        "digests": (
            ("Checksum of the plan file", header.checksum),
            ("Digest of the policy", header.digests.policy),
            ("Digest of the settings", header.digests.settings),
            ("Digest of the evidence", header.digests.evidence),
        ),
        "exemptions": exempt[:EXEMPTIONS_UP_TO],
        "exemptions_total": len(exempt),
        "exemptions_odd": [finding for finding in report.findings if finding.code.startswith("exemption")],
        "findings": report.findings[:FINDINGS_UP_TO],
        "gantt": gantt(report),
        "header": header,
        "latest": report.changes[: -CHANGES_UP_TO - 1 : -1],
        "legend": legend.legend(),
        "limits": limits(report, counts),
        "map": ou_map(counts.ous),
        "over_time": burn_down(report, counts, looks),
        "noteworthy": noteworthy[: -CHANGES_UP_TO - 1 : -1],
        "noteworthy_total": len(noteworthy),
        "now": report.now,
        "proof": proof,
        "plain": len(report.users) <= PLAIN_ROWS_UP_TO,
        "plain_accounts": len(report.accounts) <= PLAIN_ROWS_UP_TO,
        "reasons": legend.REASONS,
        "report": report,
        "describe_requests": describe_requests,
        "requests": next((end.requests for _, end in reversed(report.runs) if end and end.requests), ()),
        "runs": report.runs[: -CHANGES_UP_TO - 1 : -1],
        "sections": [(place, name) for place, name in SECTIONS if proof or place != "proof"],
        "segments": segments(counts),
        "share": percent(counts.under_mfa, counts.users),
        "tiles": tiles(report, counts),
        "users_table": USERS,
    }
    return environment.get_template("index.html.jinja").generate(context | _assets(environment, header))


def _assets(environment: Environment, header: Header) -> dict[str, Any]:
    """Give style and script, and the policy that allows them and nothing else."""
    # On paper, every sheet says what it belongs to. Nothing but letters, digits and hyphens goes into the style.
    names = (re.sub(r"[^A-Za-z0-9-]", "", name) for name in (header.organization_id, header.id))
    style = _asset(environment, "report.css").replace("ORGANIZATION-AND-PLAN", " · plan ".join(names))
    script = _asset(environment, "report.js")
    return {
        "csp": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        "script": Markup(script),  # noqa: S704 - our own file
        "style": Markup(style),  # noqa: S704 - our own file
    }


@cache  # compiling the templates takes longer than a small page
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rollout.reporting.page"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "span": spelling.span,
        "day": spelling.day,
        "minute": spelling.minute,
        "count": COUNT.shown,
        "share": SHARE.shown,
        "lines": _lines,
        "tone": _tone,
        "stage": stage_of,
        "code": _code,
    }
    environment.globals |= {
        "number_of": number_of,
        "filtered": filtered,
        "only": only,
        "days_left": days_left,
        "is_number": _is_number,
        "is_code": _is_code,
    }
    return environment


def _finalize(value: object) -> object:
    """Make every text of the page visible, but for our own style, script and data."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _asset(environment: Environment, name: str) -> str:
    if environment.loader is None:  # pragma: no cover - it has one
        return ""
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


def _lines(text: str) -> Markup:
    """Keep the line breaks of our own, and make visible what else a text hides."""
    return Markup("\n").join(visible(line) for line in text.split("\n"))


def _is_number(column: Column[Any]) -> bool:
    return column.type in (COUNT, NUMBER, SHARE)


def _is_code(column: Column[Any]) -> bool:
    return column.type is CODE


def _tone(code: str) -> str:
    """Make a class name of a code: `skipped(notice)` is styled as `skipped`."""
    return code.partition("(")[0].replace(" ", "-")


def _code(markdown: str) -> Markup:
    """Set what stands between backticks as code."""
    parts = Markup.escape(markdown).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts)
    )
