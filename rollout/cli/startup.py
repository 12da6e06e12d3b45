"""The first steps of every command: read the settings, and connect to AWS if the command needs it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.running import afterwards, interrupted, leave_with
from rollout.cli.terminal.console import err, warn
from rollout.domain.people.scope import Selection
from rollout.errors import (
    BadSettings,
    ExitCode,
    JournalDamaged,
    KeyUnusable,
    PlanRefused,
    RecordAltered,
    RolloutError,
    Unwritable,
)

if TYPE_CHECKING:
    from rollout.reporting import ReportFiles
    from rollout.settings import Settings
    from rollout.wiring import Files, Live
    from rollout.workflows.inventory import Premises
    from rollout.workflows.ports import StoredPlan

DOUBTS_SHOWN = 20
SLOW = 4.0
"""Seconds without a response after which to name the endpoint that the command is still waiting for."""


def read_settings(config: Path | None, flags: Mapping[str, object] | None = None) -> Settings:
    """Read the settings and print their warnings. Raises BadSettings."""
    from rollout.settings import load_settings

    settings = load_settings(config, os.environ, Path.cwd(), flags)
    for warning in settings.warnings:
        warn(warning)
    return settings


def read_settings_for_the_brake(config: Path | None) -> Settings:
    """Read what can be read of the settings, and say what cannot: nobody stays locked out for a typo."""
    from rollout.settings import load_what_can_be_read

    settings = load_what_can_be_read(config, os.environ, Path.cwd())
    for warning in settings.warnings:
        warn(warning)
    return settings


def read_deciding_settings(
    config: Path | None, *, defaults: bool, flags: Mapping[str, object] | None = None
) -> Settings:
    """Read the settings for a command that judges people or brings them under the policy.

    Without a settings file nobody is exempt and nobody is for emergencies, so that has to be said on purpose. Raises
    BadSettings.
    """
    settings = read_settings(config, flags)
    if settings.source is None and not defaults:
        raise BadSettings(
            "there is no rollout.yaml here: without it, break_glass and exemptions protect nobody",
            cure="run this in its folder, name it with --config, or write one with `rollout init`; to work on the "
            "defaults on purpose: --defaults",
        )
    if settings.source is not None and defaults:
        raise BadSettings(f"--defaults, and yet there is {settings.source}", cure="leave out --defaults")
    return settings


class Doubts:
    """Says what in the store cannot be trusted, for commands that bring nobody under the policy.

    What it is told of is left out of account, unless the store's key cannot be used. A damaged journal of a store that
    has no key is refused all the same, except where people are let out (`letting_out`).
    """

    def __init__(self, *, letting_out: bool = False) -> None:
        """Have heard of nothing."""
        self._letting_out = letting_out
        self.found: dict[str, RolloutError] = {}

    def __call__(self, problem: RolloutError) -> None:
        """Say it, once. Raises what is not about the key."""
        known = isinstance(problem, RecordAltered | PlanRefused | KeyUnusable)
        if not known and not (self._letting_out and isinstance(problem, JournalDamaged)):
            raise problem
        if str(problem) in self.found:
            return
        self.found[str(problem)] = problem
        if len(self.found) <= DOUBTS_SHOWN:
            warn(
                str(problem) if isinstance(problem, KeyUnusable) else f"not trusted, and left out: {problem}"
            )

    @property
    def altered(self) -> bool:
        """Whether something was found that was not written with the store's key, or was altered."""
        return any(isinstance(problem, RecordAltered | PlanRefused) for problem in self.found.values())

    def tell_cures(self) -> None:
        """Say how many more there are, and what to do."""
        if (more := len(self.found) - DOUBTS_SHOWN) > 0:
            warn(f"{more} more places cannot be trusted")
        for cure in dict.fromkeys(problem.cure for problem in self.found.values()):
            err.print(f"  Cure: {cure}")

    def leave(self) -> None:
        """End a command that only shows. Raises typer.Exit if something was altered."""
        self.tell_cures()
        leave_with({ExitCode.PLAN_REFUSED: self.altered})


def go_live(
    settings: Settings, profile: str | None, tell: Callable[[RolloutError], None] | None = None
) -> tuple[Live, Premises]:
    """Connect to AWS, and check that it is the right organization. From then on, Ctrl-C ends the run gracefully.

    What in the store cannot be trusted is refused, unless there is somebody to `tell`. What the store did not take when
    people were let out is recorded there now.
    """
    from rollout.wiring import Live
    from rollout.workflows.inventory import premises

    live = Live(settings, profile, tell=tell, endpoint_ok=endpoint_ok())
    live.put_off(afterwards)
    with _patience_asked_for(live.connection.endpoints):
        where = premises(live.organization, settings.organization)
    if settings.organization is None:
        warn(
            f"rollout.yaml names no organization; using {where.organization.id}, to which these credentials belong"
        )
    end_in_good_order(live)
    live.take_over(where, warn)
    return live, where


@contextmanager
def _patience_asked_for(endpoints: Mapping[str, str]) -> Iterator[None]:
    """Name the endpoint that the command is waiting for, when it takes long to answer; the last one is that."""

    def say() -> None:
        service, url = [("AWS", "its endpoint"), *endpoints.items()][-1]
        err.print(f"{service} at {url} has not answered yet; still trying. Press Ctrl-C to stop.")

    timer = threading.Timer(SLOW, say)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def end_in_good_order(live: Live) -> None:
    """Make Ctrl-C and SIGTERM finish the changes in progress before the run ends."""
    from rollout.wiring import stop_on

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop_on(live, _say_stopping))
    if interrupted():
        live.stop.set()


def tell_unrecorded(files: Files) -> None:
    """Warn of releases that this machine knows of, and the store does not yet."""
    if waiting := len(list(files.unrecorded.runs())):
        warn(
            f"{waiting} runs are not recorded in the store yet; the next `rollout plan`, `apply` or `verify` does it"
        )


def load_plan(files: Files, reference: str | None, *, whole: bool = False) -> StoredPlan:
    """Open a plan without calling AWS; warn if it is for another organization than the one in rollout.yaml.

    `whole`: verify all of its evidence now.
    """
    expected = files.settings.organization
    stored = files.plans.load(reference, expected, whole=whole)
    found = stored.header.organization_id
    if expected is not None and found != expected:
        warn(f"plan {stored.header.id} is for organization {found}, but rollout.yaml says {expected}")
    return stored


def age_of(stored: StoredPlan) -> str:
    """Say when a plan was made, and when planning again last made no difference."""
    renewed = f", renewed {stored.renewed:%Y-%m-%d %H:%M} UTC" if stored.renewed else ""
    return f"{stored.header.created:%Y-%m-%d %H:%M} UTC{renewed}"


def share_report(files: Files, stored: StoredPlan, written: ReportFiles) -> tuple[str, ...]:
    """Copy a report to the store and return its addresses; without write access, keep it on this machine and warn."""
    try:
        return files.share_report(stored, written)
    except Unwritable as problem:
        warn(f"the report is on this machine only: {problem}")
        return ()


def tell_endpoints(live: Live) -> None:
    """Warn when the configured endpoints are not AWS's own."""
    services: dict[str, list[str]] = {}
    for service, url in sorted(live.connection.endpoints.items()):
        if not live.connection.is_own(service, url):
            services.setdefault(url, []).append(service)
    for url, names in services.items():
        warn(f"calling AWS at {url}, as configured ({', '.join(names)})")


def _say_stopping() -> None:
    # Written directly: a signal may arrive in the middle of another line.
    with suppress(OSError):
        os.write(2, b"\nStopping: finishing and saving the changes in progress first.\n")


def selection(accounts: list[str] | None, ous: list[str] | None, users: list[str] | None = None) -> Selection:
    """Build the selection from the patterns of one command line."""
    return Selection(tuple(accounts or ()), tuple(ous or ()), tuple(users or ()))
