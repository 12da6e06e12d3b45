"""What every command does first: read the settings, and open AWS where it is needed."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.cli.console import err, warn
from rollout.domain.scope import Selection

if TYPE_CHECKING:
    from rollout.settings import Settings
    from rollout.wiring import Live
    from rollout.workflows.inventory import Premises


def read_settings(config: Path | None, flags: Mapping[str, object] | None = None) -> Settings:
    """Read the settings and say what is worth a warning. Raises BadSettings."""
    from rollout.settings import load_settings

    settings = load_settings(config, os.environ, Path.cwd(), flags)
    for warning in settings.warnings:
        warn(warning)
    return settings


def go_live(settings: Settings, profile: str | None) -> tuple[Live, Premises]:
    """Open AWS, and check that it is the right organization. Ctrl-C and SIGTERM end the run in good order."""
    from rollout.wiring import Live, stop_on
    from rollout.workflows.inventory import premises

    live = Live(settings, profile)
    where = premises(live.organization, settings.organization)
    if settings.organization is None:
        warn(
            f"no organization: in rollout.yaml; working on {where.organization.id}, the one of these credentials"
        )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop_on(live))
    for service, url in sorted(live.connection.endpoints.items()):
        if "amazonaws." not in url and "amazonaws-" not in url:
            err.print(f"{service} is asked at {url}")
    return live, where


def selection(accounts: list[str] | None, ous: list[str] | None, users: list[str] | None = None) -> Selection:
    """Gather the globs of one command line."""
    return Selection(tuple(accounts or ()), tuple(ous or ()), tuple(users or ()))
