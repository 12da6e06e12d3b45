"""Turns plan and journal into CSV and HTML: one page for the admin and the auditor, three tables for tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rollout.domain.gates.readiness import Notified
from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.progress.history import History
from rollout.domain.proof.proof_record import ProofRecord
from rollout.domain.status.movements import Movements
from rollout.domain.status.over_time import NO_PAST, Past
from rollout.errors import Unwritable
from rollout.files.private_files import FolderStore
from rollout.reporting.formats.report_formats import ReportFormat
from rollout.reporting.store_digests import StoreDigests


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where the parts of a report were written."""

    html: Path
    users: Path
    accounts: Path
    changes: Path
    calendar: Path
    others: tuple[Path, ...] = ()
    evidence: tuple[Path, ...] = ()

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file, the page last: whoever sees it finds the others."""
        return (
            self.users,
            self.accounts,
            self.changes,
            self.calendar,
            *self.others,
            *self.evidence,
            self.html,
        )


def write_report(  # noqa: PLR0913 - all that a report is made of
    folder: Path,
    header: Header,
    accounts: Iterable[AccountPlan],
    history: History,
    now: datetime,
    *,
    notified: Notified,
    rehearsal: History | None = None,
    proof: ProofRecord | None = None,
    past: Past = NO_PAST,
    moved: Movements | None = None,
    formats: Sequence[ReportFormat] = (),
    evidence: StoreDigests | None = None,
) -> ReportFiles:
    """Write the page, its three tables and the calendar of exemptions into the folder, all of them or none.

    `formats` are written beside them. `moved` is who has moved since an earlier day, for those that tell it. With
    `evidence`, so are a page for auditors, and the digests of all.

    The same input gives the same bytes. `rehearsal` is what a dry run noted; its changes are shown as `rehearsed`.
    `notified` is the rule by which users are ready, `proof` the newest proof of the plan's policy, `past` what earlier
    looks found. Raises Unwritable.
    """
    # Loaded here: whoever imports this package for its names does not wait for pandas and Jinja2.
    from rollout.reporting import exemption_calendar  # noqa: PLC0415 - see above
    from rollout.reporting.account_columns import ACCOUNTS  # noqa: PLC0415 - see above
    from rollout.reporting.change_columns import CHANGES  # noqa: PLC0415 - see above
    from rollout.reporting.evidence_page import DIGESTS, PAGE, evidence_parts  # noqa: PLC0415 - see above
    from rollout.reporting.formats.report_formats import parts as others  # noqa: PLC0415 - see above
    from rollout.reporting.formats.written_report import WrittenReport  # noqa: PLC0415 - see above
    from rollout.reporting.frames import count  # noqa: PLC0415 - see above
    from rollout.reporting.page.layout import page  # noqa: PLC0415 - see above
    from rollout.reporting.report_data import gather  # noqa: PLC0415 - see above
    from rollout.reporting.user_columns import USERS  # noqa: PLC0415 - see above

    since = past.stands.since
    report = gather(header, accounts, history, now, notified=notified, rehearsal=rehearsal, since=since)
    counts = count(report)
    report = replace(report, moved=moved)
    whole = WrittenReport(report, counts)
    more = others(whole, formats)
    parts: dict[str, Iterable[str | bytes]] = {
        USERS.file: USERS.csv(report.users),
        ACCOUNTS.file: ACCOUNTS.csv(report.accounts),
        CHANGES.file: CHANGES.csv(report.changes),
        exemption_calendar.FILE: exemption_calendar.exemption_calendar(report),
        "index.html": page(report, counts, proof, past.looks),
        **more,
    }
    if evidence:
        parts = evidence_parts(whole, evidence, parts)
    write_together(folder, parts)
    return ReportFiles(
        folder / "index.html",
        folder / USERS.file,
        folder / ACCOUNTS.file,
        folder / CHANGES.file,
        folder / exemption_calendar.FILE,
        tuple(folder / name for name in more),
        tuple(folder / name for name in (PAGE, DIGESTS) if name in parts),
    )


def write_together(folder: Path, parts: Mapping[str, Iterable[str | bytes]]) -> None:
    """Write every part beside its place first, then move all of them there. Raises Unwritable."""
    store = FolderStore(folder)
    try:
        with ExitStack() as moved_at_the_end:
            for name, chunks in parts.items():
                stream = moved_at_the_end.enter_context(store.writing(name))
                stream.writelines(
                    chunk if isinstance(chunk, bytes) else chunk.encode("utf-8", "backslashreplace")
                    for chunk in chunks
                )
                stream.flush()  # a disk that is full says so now, before the first part is moved
    except Unwritable as problem:
        raise Unwritable(
            f"the report was not written: {problem}",
            cure="make that folder writable or free some space on its disk, then run `rollout report`",
        ) from problem
