"""`rollout report`: CSV and HTML from plan and journal, and forms for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.keeping_looks import past_of
from rollout.cli.options import Config, Json, PlanArgument, Profile, Yes
from rollout.cli.running import leave_with
from rollout.cli.startup import Doubts, go_live, load_plan, read_settings, share_report, tell_endpoints
from rollout.cli.terminal.console import confirm, err, next_step, out, print_json, warn
from rollout.cli.terminal.movements_table import movements_as_json, tell_movements
from rollout.counted import number_of
from rollout.errors import ExitCode, OtherOrganization, PlanRefused, WrongUsage
from rollout.reporting.formats.report_formats import ReportFormat

if TYPE_CHECKING:
    from rollout.settings import Settings
    from rollout.wiring import Files
    from rollout.wiring.reports.sending_findings import SentFindings
    from rollout.workflows.ports import StoredPlan


def report(
    plan: PlanArgument = None,
    formats: Annotated[
        list[ReportFormat] | None,
        typer.Option(
            "--format",
            help="Also write the report in this form; can be repeated. docs/reports.md explains them.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DATE|PLAN",
            help="Also tell who has moved since the beginning of that day (UTC), or since that plan was made.",
            show_default=False,
        ),
    ] = None,
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence",
            help="Also write a page for auditors: controls, scope, method, who, and digests of everything.",
        ),
    ] = False,
    send: Annotated[
        bool,
        typer.Option(
            "--send",
            help="With --format asff: also send the findings to Security Hub in the caller's account and Region.",
        ),
    ] = False,
    yes: Yes = False,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="FOLDER",
            help="Write nothing: compute the digests of the report with evidence in this folder again.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """Write a page, three CSV tables and a calendar of exemptions into reports/<plan>/. Asks nothing but the store.

    Example: [bold]rollout report --format json --format markdown --since 2026-11-01[/]
    """
    from rollout.domain.progress.history import replay_all
    from rollout.reporting import write_report
    from rollout.wiring import Files, offline_now
    from rollout.wiring.reports.earlier_look import moved_since
    from rollout.wiring.reports.evidence_check import JournalDigests, store_digests

    if check and (plan or formats or since or evidence or send):
        raise WrongUsage("--check looks at a report that is there", cure="leave out the other options")
    chosen = tuple(dict.fromkeys(formats or ()))
    if send and ReportFormat.ASFF not in chosen:
        raise WrongUsage("--send sends findings in ASFF", cure="add --format asff")
    for form in chosen:
        form.check()
    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    if check:
        _check(check, files, json=json)
        doubts.leave()
        return
    stored = load_plan(files, plan)
    now = offline_now()
    digests = JournalDigests()
    records = files.journal("report").records()
    progress = replay_all(digests.passing(records) if evidence else records, stored.header.organization_id)
    moved = moved_since(files, stored, since, progress, now) if since else None
    written = write_report(
        files.report_folder(stored),
        stored.header,
        stored.accounts(),
        progress,
        now,
        notified=settings.domain_notified(),
        proof=files.proof_of(stored, progress),
        past=past_of(files, stored.header.organization_id),
        moved=moved,
        formats=chosen,
        evidence=store_digests(stored, progress, digests) if evidence else None,
    )
    shared = share_report(files, stored, written)
    sent = (
        _send(settings, profile, stored, written.others[chosen.index(ReportFormat.ASFF)], yes=yes)
        if send
        else None
    )
    if json:
        names = ("html", "users", "accounts", "changes", "calendar")
        parts = {name: str(getattr(written, name)) for name in names}
        others = {str(form): str(path) for form, path in zip(chosen, written.others, strict=True)}
        others |= {path.name: str(path) for path in written.evidence}
        moves = {"moved": movements_as_json(moved)} if moved else {}
        said = {"sent": sent.taken, "refused": [list(one) for one in sent.refused]} if sent else {}
        print_json({**parts, **others, **moves, **said, "shared": list(shared)})
    else:
        if moved:
            tell_movements(moved)
        for place in (written.html, *written.all[:-1], *shared):
            out.print(str(place))
        if sent:
            out.print(f"Security Hub took {number_of(sent.taken, 'finding')}")
            for uid, why in sent.refused:
                err.print(f"  refused: {uid}: {why}")
        next_step(f"open {written.html} in a browser")
    doubts.tell_cures()
    leave_with(
        {ExitCode.PLAN_REFUSED: doubts.altered, ExitCode.IN_PART: sent is not None and bool(sent.refused)}
    )


def _send(
    settings: Settings, profile: str | None, stored: StoredPlan, file: Path, *, yes: bool
) -> SentFindings:
    """Ask, and send. Raises AwsFailure, and OtherOrganization for the plan of another organization."""
    from rollout.wiring.reports.sending_findings import security_hub, send_findings

    live, where = go_live(settings, profile)
    if stored.header.organization_id != where.organization.id:
        raise OtherOrganization(
            f"the plan is for organization {stored.header.organization_id}, these credentials belong to "
            f"{where.organization.id}",
            cure="use credentials of that organization",
        )
    tell_endpoints(live)
    hub = security_hub(live, where)
    users = sum(stored.header.verdicts.values())
    err.print(
        f"About to send {number_of(users, 'finding')} to Security Hub in account {hub.account_id}, {hub.region}."
    )
    confirm("Go on?", yes=yes)
    return send_findings(hub, file)


def _check(folder: Path, files: Files, *, json: bool) -> None:
    """Tell what of a filed report is as it was. Raises PlanRefused where anything was changed."""
    from dataclasses import asdict

    from rollout.wiring.reports.evidence_check import check_folder

    found = check_folder(folder, files)
    if json:
        print_json(asdict(found))
    else:
        for line in found.changed:
            out.print(f"CHANGED: {line}")
        out.print(f"{number_of(found.same, 'part')} as written, {len(found.changed)} changed")
        if found.not_compared:
            warn(f"not compared, since this store does not have them: {', '.join(found.not_compared)}")
    if found.changed:
        raise PlanRefused(
            f"{number_of(len(found.changed), 'part')} of the report in {folder} changed since it was written",
            cure="restore them from where the report was filed, or write the report again",
        )
