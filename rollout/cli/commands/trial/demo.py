"""Implements `rollout demo`: the whole rollout on a sandbox organization, step by step, without an AWS account."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.commands.trial.sandbox import print_exports, process
from rollout.cli.running import run_command
from rollout.cli.terminal.console import bold, out
from rollout.counted import number_of
from rollout.errors import ExitCode, Interrupted, RolloutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.sandbox.serving.process import KeptSandbox
    from rollout.wiring import Files
    from rollout.workflows.ports import StoredPlan
    from rollout.workflows.status import WaveState

# AWS reports whole seconds: on a fast machine, advancing by exactly the lead time would be slightly too short.
A_LITTLE = timedelta(minutes=1)
_EMPTY_ACCOUNT = "888899990000"
"""The account of the sandbox organization in which nobody lives."""


class DemoFailed(RolloutError):
    """A step of the demo did not have the expected result."""


def demo(
    context: typer.Context,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the organization running afterwards, to try more commands.")
    ] = False,
    sample: Annotated[
        bool, typer.Option("--sample", help="Regenerate plans/sample and reports/sample, on a fixed date.")
    ] = False,
) -> None:
    """Plan, rehearse, prove, notify, wait, enforce wave by wave, and report, on a sandbox organization of 13 accounts.

    Example: [bold]rollout demo --keep[/]
    """
    module = process()
    if sample:
        from rollout.cli.sample import make_sample

        make_sample(Path.cwd())
        return
    folder = Path.cwd()
    _step("Start an AWS organization with 13 accounts and about 150 users on this machine")
    kept: KeptSandbox = module.start_kept(folder, datetime.now(UTC))
    try:
        with _pointed_at(kept):
            _Story(context.find_root().command.main, lambda span: module.advance_kept(folder, span)).tell()
    finally:
        if not keep:
            module.stop_kept(folder)
    if keep:
        _step(
            "The organization keeps running. Paste these lines into your shell, then try the commands below"
        )
        print_exports(kept)
        tries = ("rollout status", "rollout show --user '*/chen.wei'", "rollout sandbox stop")
        out.print()
        for command in tries:
            out.print(f"  {command}")


class _Story:
    """The steps of the demo, each a command that a person would type."""

    def __init__(self, main: Callable[..., object], advance: Callable[[timedelta], object]) -> None:
        self._main, self._advance = main, advance

    def tell(self) -> None:
        """Run every step. Raises DemoFailed when one does not have the expected result."""
        _step("Read every account, judge every user, and write a plan. Nothing is written to AWS")
        # Some accounts cannot be entered, by design: the plan lists them, and the exit code is 4.
        self._run("plan", expected=ExitCode.IN_PART)
        _step("Rehearse the whole plan, with real reads but no writes")
        self._run("apply", "--stage", "dry-run")
        _step("Prove the policy in one account, as throw-away users with their own keys and MFA devices")
        # On AWS, this asks AWS. Here, rollout's own evaluator answers, which shows only how it goes.
        self._run("prove", "--account", _EMPTY_ACCOUNT, "--yes")
        waves = [stand.wave for stand in _wave_states() if stand.users]
        for wave in waves:
            _step(f'Notify the users of wave "{wave}": what will happen, and from which day')
            self._run("apply", "--stage", "notify", "--yes")
        _step("Try to enforce now: it is too early, so affected users wait for their announced date")
        self._run("apply", "--stage", "enforce", "--yes")
        for number, wave in enumerate(waves):
            days = 3 if number else 15
            _step(f'Move the organization\'s clock forward by {days} days, then enforce wave "{wave}"')
            self._advance(timedelta(days=days) + A_LITTLE)
            self._run("apply", "--stage", "enforce", "--yes")
            _check([stand for stand in _wave_states() if stand.wave == wave])
        _step("Enforce once more: nothing is left to do, so nothing is written")
        self._run("apply", "--stage", "enforce", "--yes")
        _step("Check in AWS itself that everybody who should be enforced is enforced")
        self._run("verify", expected=ExitCode.IN_PART)
        _step("Show the status, and write the report")
        self._run("status")
        self._run("report")
        states = _wave_states()
        _check(states)
        total = sum(stand.users for stand in states)
        out.print()
        out.print(
            f"Done: all {number_of(total, 'user')} due for enforcement were notified in time and are enforced."
        )
        out.print(f"Open the report in a browser: {_report()}")

    def _run(self, *arguments: str, expected: int = ExitCode.DONE) -> None:
        out.print(f"$ rollout {shlex.join(arguments)}", style="dim")
        code = run_command(self._main, arguments)
        if code == ExitCode.INTERRUPTED:
            raise Interrupted("the demo was interrupted", cure="start it again: rollout demo")
        if code != expected:
            raise DemoFailed(
                f"rollout {shlex.join(arguments)} ended with exit code {code}, expected {expected}"
            )


def _check(states: Sequence[WaveState]) -> None:
    behind = [
        f"{stand.wave}: {stand.enforced} of {stand.users}" for stand in states if stand.enforced < stand.users
    ]
    if behind:
        raise DemoFailed(
            f"not everybody was enforced: {', '.join(behind)}", cure="see changes.csv in the report"
        )


def _wave_states() -> list[WaveState]:
    from rollout.cli.commands.status import stands_of

    files, plan = _newest()
    return stands_of(files, plan, files.journal("status").progress(plan.header.organization_id))


def _report() -> Path:
    files, plan = _newest()
    return files.report_folder(plan) / "index.html"


def _newest() -> tuple[Files, StoredPlan]:
    from rollout.cli.startup import load_plan, read_settings
    from rollout.wiring import Files

    files = Files(read_settings(None))
    return files, load_plan(files, None)


def _step(text: str) -> None:
    out.print()
    out.print(bold("==>", "cyan"), bold(text))


@contextmanager
def _pointed_at(kept: KeptSandbox) -> Iterator[None]:
    """Point this process at the sandbox only, and hide all AWS settings of the environment."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(("AWS_", "ROLLOUT_"))]:
        del os.environ[name]
    os.environ.update(kept.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
