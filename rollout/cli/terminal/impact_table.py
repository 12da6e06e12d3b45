"""Prints what enforcement means for how many users, and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from rollout.cli.terminal.console import table

if TYPE_CHECKING:
    from datetime import datetime

    from rollout.cli.terminal.text_table import TextTable
    from rollout.domain.plan.impact_counts import Affected, ImpactCounts

COLUMNS = (
    "wave",
    "#users",
    "#must enrol",
    "#without device",
    "#change CLI use",
    "#notice nothing",
    "#need no notice",
)
MEANINGS: Mapping[str, str] = {
    "enrol": "must enrol a device",
    "passkey-only": "must enrol a device",
    "cli": "must change how they use the CLI",
    "none": "notice nothing",
}


def impact_table(impact: Mapping[str, ImpactCounts], read_at: datetime) -> TextTable:
    """Lay out the figures of each wave; devices are as they were read then."""
    title = f"\nImpact on users not enforced yet, with the devices of {read_at:%Y-%m-%d %H:%M} UTC"
    rows = [(wave, counts.users, *asdict(counts).values()) for wave, counts in impact.items()]
    return table(title, COLUMNS, rows)


def names_table(affected: Iterable[Affected]) -> TextTable:
    """List every user behind the figures."""
    return table(
        "\nUsers behind these figures", ("wave", "what it means", "user"), list(_names(affected)), whole=True
    )


def _names(affected: Iterable[Affected]) -> Iterator[tuple[str, str, str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for one in affected:
        device = " (no device)" if one.must_enrol and not one.has_device else ""
        name = f"{one.user.account_id}/{one.user.name}{device}"
        groups.setdefault((one.wave, MEANINGS[one.impact]), []).append(name)
    for (wave, meaning), names in groups.items():
        for name in sorted(names):
            yield wave, meaning, name


def impact_as_json(impact: Mapping[str, ImpactCounts]) -> dict[str, dict[str, int]]:
    """Give the figures of each wave as JSON-compatible values."""
    return {wave: asdict(counts) for wave, counts in impact.items()}


def names_as_json(affected: Iterable[Affected]) -> list[dict[str, object]]:
    """Give every user behind the figures as JSON-compatible values."""
    return [
        {
            "arn": one.user.arn,
            "id": one.user.id,
            "wave": one.wave,
            "impact": str(one.impact),
            "has_device": one.has_device,
            "needs_notice": one.needs_notice,
        }
        for one in affected
    ]
