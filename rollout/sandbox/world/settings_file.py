"""Fills in the packaged `rollout.yaml` with the IDs and dates of this organization."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.sandbox.world.dates import moment
from rollout.sandbox.world.identifiers import Identifiers

if TYPE_CHECKING:
    from rollout.sandbox.world.blueprint import Blueprint

TEMPLATE = Path(__file__).with_name("rollout.yaml")
_BLANK = re.compile(r"\{\{(?P<what>organization|date|user) ?(?P<which>[^}]*)\}\}")


def settings_text(instance: str, blueprint: Blueprint, now: datetime) -> str:
    """Return the settings for the organization of this instance, with dates relative to `now`."""
    ids = Identifiers(instance)
    known = {f"{account.id}/{user.name}" for account in blueprint.accounts for user in account.users}

    def filled(match: re.Match[str]) -> str:
        which = match["which"]
        if match["what"] == "organization":
            return ids.organization()
        if match["what"] == "date":
            return moment(which, now).date().isoformat()
        if which not in known:
            raise KeyError(f"the settings name {which}, who is not in the description")
        return ids.user(*which.split("/", 1))

    return _BLANK.sub(filled, TEMPLATE.read_text(encoding="utf-8"))
