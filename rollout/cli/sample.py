"""Writes plans/sample and reports/sample: a rollout half-way through, with identical bytes on every machine."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rollout.cli.keeping_looks import keep_look, past_of
from rollout.cli.terminal.console import out
from rollout.domain.people.scope import Selection
from rollout.domain.progress.stages import Stage

if TYPE_CHECKING:
    from rollout.sandbox.serving.server import Sandbox
    from rollout.workflows.ports import StoredPlan

TODAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
INSTANCE = "sample"
# Notify all three waves, then enforce two of them, each after its waiting time.
STEPS = (
    (Stage.DRY_RUN, timedelta()),
    (Stage.NOTIFY, timedelta(minutes=10)),
    (Stage.NOTIFY, timedelta(minutes=10)),
    (Stage.NOTIFY, timedelta(minutes=10)),
    (Stage.ENFORCE, timedelta(days=15)),
    (Stage.ENFORCE, timedelta(days=3)),
)


def make_sample(folder: Path) -> None:
    """Write `plans/sample/` and `reports/sample/` in the folder, replacing what is there."""
    from rollout.sandbox.serving.server import Sandbox

    with TemporaryDirectory() as name, Sandbox.start(TODAY, instance=INSTANCE, ticking=False) as sandbox:
        work = Path(name)
        (work / ".rollout").mkdir()
        config = work / ".rollout" / "rollout.yaml"
        config.write_text(sandbox.settings(), "utf-8")
        stored = _carry(sandbox, config)
        for kind, source in (("plans", work / "plans"), ("reports", work / "reports" / stored.stem)):
            target = folder / kind / "sample"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
            out.print(f"Wrote {target}")


def _carry(sandbox: Sandbox, config: Path) -> StoredPlan:
    from rollout.domain.progress.history import replay_all
    from rollout.reporting import write_report
    from rollout.settings import load_settings
    from rollout.wiring import Live, Silence
    from rollout.workflows.apply.run import apply_plan
    from rollout.workflows.inventory import premises
    from rollout.workflows.plan import make_plan

    os.environ.update(sandbox.environment())
    # One account and one change at a time, so that the order of the journal is always the same.
    settings = load_settings(config, {}, config.parent, {"engine.max_accounts": 1, "engine.per_account": 1})
    live = Live(settings, clock=sandbox, randomness=Random(0))  # noqa: S311 - names, not secrets
    where = premises(live.organization, settings.organization)
    order, look = live.plan_order(where), live.look(where, Silence())
    with live.files.drafting(live.files.plans) as draft:
        stored = make_plan(look, order, draft, live.files.journal(live.new_run())).stored

    def remember(command: str) -> None:
        known = live.files.journal("look").progress(stored.header.organization_id)
        keep_look(live.files, command, stored.header, stored.accounts(), known, live.clock.now())

    remember("plan")
    for stage, wait in STEPS:
        sandbox.advance(wait)
        run = live.new_run()
        rehearsal = stage is Stage.DRY_RUN
        context = live.run_context(run, where, Silence(), rehearsal=rehearsal)
        apply_plan(
            live.order(stage, stored, where, wave=None, selection=Selection(), overrides={}),
            run=context,
            preview=live.preview(context),
            where=where,
            organization=live.organization,
            notifier=live.notifier(rehearsal=rehearsal),
        )
        if not rehearsal:
            remember(f"apply-{stage}")
    progress = replay_all(live.files.journal("report").records(), stored.header.organization_id)
    write_report(
        live.files.report_folder(stored),
        stored.header,
        stored.accounts(),
        progress,
        live.clock.now(),
        notified=settings.domain_notified(),
        past=past_of(live.files, stored.header.organization_id),
    )
    return stored
