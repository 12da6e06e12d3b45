"""`rollout demo`: the whole job on an embedded organization, step by step, no AWS account needed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.commands.sandbox import print_exports, process
from rollout.cli.running import run_command
from rollout.cli.terminal.console import out
from rollout.errors import ExitCode, Interrupted, RolloutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.sandbox.serving.process import KeptSandbox
    from rollout.wiring import Files
    from rollout.workflows.ports import StoredPlan
    from rollout.workflows.status import WaveState

# AWS tells its time in whole seconds: on a fast machine, exactly the days that must pass would end a blink too early.
A_LITTLE = timedelta(minutes=1)


class DemoFailed(RolloutError):
    """A step of the demo did not end as it was set up to end."""


def demo(
    context: typer.Context,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the organization running, to go on by hand.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Make plans/sample and reports/sample again, on a fixed date.")
    ] = False,
) -> None:
    """Plan, rehearse, tell, wait, enforce wave by wave, and report: on an organization of 13 accounts.

    Example: [bold]rollout demo --keep[/]
    """
    module = process()
    if sample:
        from rollout.cli.sample import make_sample

        make_sample(Path.cwd())
        return
    folder = Path.cwd()
    _step("An AWS organization of 13 accounts and about 150 users starts on this machine")
    kept: KeptSandbox = module.start_kept(folder, datetime.now(UTC))
    try:
        with _pointed_at(kept):
            _Story(context.find_root().command.main, lambda span: module.advance_kept(folder, span)).tell()
    finally:
        if not keep:
            module.stop_kept(folder)
    if keep:
        _step("The organization stays up. Go on by hand: paste these lines, then try the commands below")
        print_exports(kept)
        tries = ("rollout status", "rollout show --user '*/chen.wei'", "rollout sandbox stop")
        out.print("\n" + "\n".join(f"  {command}" for command in tries), markup=False)


class _Story:
    """The steps of the demo, each a command that a person would type."""

    def __init__(self, main: Callable[..., object], advance: Callable[[timedelta], object]) -> None:
        self._main, self._advance = main, advance

    def tell(self) -> None:
        """Run every step. Raises DemoFailed when one does not end as it was set up to end."""
        _step("Look at every account, judge every user, write a plan. Nothing is written to AWS")
        # Some accounts cannot be entered, by design: the plan names them, and says so with exit code 4.
        self._run("plan", expected=ExitCode.IN_PART)
        _step("Rehearse the whole plan: real reads, no writes")
        self._run("apply", "--stage", "dry-run")
        waves = [stand.wave for stand in _stands() if stand.users]
        for wave in waves:
            _step(f'Tell the people of wave "{wave}" what will happen, and from which day')
            self._run("apply", "--stage", "notify", "--yes")
        _step("Enforcing now would be too early: whoever is affected waits for the day told")
        self._run("apply", "--stage", "enforce", "--yes")
        for number, wave in enumerate(waves):
            days = 3 if number else 14
            _step(f'{days} days pass on the organization\'s clock; then wave "{wave}" is enforced')
            self._advance(timedelta(days=days) + A_LITTLE)
            self._run("apply", "--stage", "enforce", "--yes")
            _check([stand for stand in _stands() if stand.wave == wave])
        _step("Once more: nothing is left to do, and nothing is written")
        self._run("apply", "--stage", "enforce", "--yes")
        _step("Look again, in AWS itself: is everybody enforced whom the journal says?")
        self._run("verify", expected=ExitCode.IN_PART)
        _step("Where it stands, and the report")
        self._run("status")
        self._run("report")
        stands = _stands()
        _check(stands)
        total = sum(stand.users for stand in stands)
        out.print(f"\nDone: all {total} users who were to be enforced are, each told in time.", markup=False)
        out.print(f"Open the report in a browser: {_report()}", markup=False)

    def _run(self, *arguments: str, expected: int = ExitCode.DONE) -> None:
        out.print(f"$ rollout {shlex.join(arguments)}", markup=False, style="dim")
        code = run_command(self._main, arguments)
        if code == ExitCode.INTERRUPTED:
            raise Interrupted("the demo was ended early", cure="start it again: rollout demo")
        if code != expected:
            raise DemoFailed(f"rollout {shlex.join(arguments)} ended with {code}, expected {expected}")


def _check(stands: Sequence[WaveState]) -> None:
    behind = [
        f"{stand.wave}: {stand.enforced} of {stand.users}" for stand in stands if stand.enforced < stand.users
    ]
    if behind:
        raise DemoFailed(
            f"not everybody was enforced: {', '.join(behind)}", cure="see changes.csv in the report"
        )


def _stands() -> list[WaveState]:
    from rollout.cli.commands.status import stands_of

    files, plan = _newest()
    return stands_of(files, plan)


def _report() -> Path:
    files, plan = _newest()
    return files.report_folder(plan) / "index.html"


def _newest() -> tuple[Files, StoredPlan]:
    from rollout.cli.startup import load_plan, read_settings
    from rollout.wiring import Files

    files = Files(read_settings(None))
    return files, load_plan(files, None)


def _step(text: str) -> None:
    out.print(f"\n[bold cyan]==>[/] [bold]{text}[/]")


@contextmanager
def _pointed_at(kept: KeptSandbox) -> Iterator[None]:
    """Point this process at the sandbox alone: whatever AWS profile is set outside stays outside."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "ROLLOUT_"))]:
        del os.environ[name]
    os.environ.update(kept.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
