"""Lays OUs out as a map: the area of each says how many users it has, colour and pattern how many are covered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rollout.reporting.account_columns import percent
from rollout.reporting.frames import OuShare
from rollout.reporting.page.links import only

TILES = 40
"""The biggest OUs have a tile each; the others share one."""
WIDTH, HEIGHT = 100.0, 34.0
"""The proportions of the map; tiles are given in percent of both sides."""
BANDS = (
    ("none", "nobody", 0.0),
    ("few", "under 50 %", 50.0),
    ("many", "50 to 90 %", 90.0),
    ("most", "over 90 %", 100.0),
    ("all", "everybody", 101.0),
)
"""Of coverage: the class, what it means, and below which share it lies; `none` is exactly nobody."""


class _Place(NamedTuple):
    """Where a tile is, in percent of both sides of the map."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class MapTile:
    """One tile: its place, and what it says. One that stands for several OUs has no link."""

    place: _Place
    name: str
    users: int
    percent: float
    band: str
    ou: str = ""
    link: str = ""


def band_of(share: float) -> str:
    """Name the band of a share in percent."""
    if not share:
        return "none"
    return next(name for name, _, below in BANDS[1:] if share < below)


def ou_map(ous: Sequence[OuShare]) -> list[MapTile]:
    """Lay out the OUs that have users, the biggest first."""
    biggest = sorted((ou for ou in ous if ou.users), key=lambda ou: (-ou.users, ou.ou))
    shares = [(ou.ou or "(root)", ou.users, ou.under_mfa, ou.ou) for ou in biggest[:TILES]]
    if others := biggest[TILES:]:
        users, covered = sum(ou.users for ou in others), sum(ou.under_mfa for ou in others)
        shares.append((f"{len(others)} smaller OUs", users, covered, ""))
    tiles = []
    for (name, users, covered, ou), (x, y, width, height) in zip(
        shares, _squares([users for _, users, _, _ in shares]), strict=True
    ):
        share = percent(covered, users) or 0.0
        stretch = WIDTH / HEIGHT
        place = _Place(*(round(side, 3) for side in (x, y * stretch, width, height * stretch)))
        tiles.append(MapTile(place, name, users, share, band_of(share), ou, only(ou=ou) if ou else ""))
    return tiles


def _squares(sizes: Sequence[int]) -> list[tuple[float, float, float, float]]:
    """Divide the map into rectangles of these relative areas, each as square as can be (Bruls, Huizing, van Wijk)."""
    total = sum(sizes)
    areas = [size * WIDTH * HEIGHT / total for size in sizes]
    found: list[tuple[float, float, float, float]] = []
    x, y, width, height = 0.0, 0.0, WIDTH, HEIGHT
    while areas:
        side = min(width, height)
        row = 1
        while row < len(areas) and _worst(areas[: row + 1], side) <= _worst(areas[:row], side):
            row += 1
        depth = sum(areas[:row]) / side
        along = 0.0
        for area in areas[:row]:
            length = area / depth
            found.append((x + along, y, length, depth) if width < height else (x, y + along, depth, length))
            along += length
        if width < height:
            y, height = y + depth, height - depth
        else:
            x, width = x + depth, width - depth
        del areas[:row]
    return found


def _worst(row: Sequence[float], side: float) -> float:
    """Give the least square proportion in a row of areas along a side."""
    depth = sum(row) / side
    return max(max(depth * depth / area, area / (depth * depth)) for area in row)
