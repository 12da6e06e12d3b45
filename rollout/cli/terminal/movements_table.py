"""Prints who moved from where to where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.cli.terminal.console import out, shortly, table
from rollout.counted import number_of

if TYPE_CHECKING:
    from rollout.domain.status.movements import Movements


def tell_movements(moves: Movements) -> None:
    """Print how many users went which way, and the first of them."""
    title = f"\nFrom {moves.before} to {moves.after}: "
    if not moves.moved:
        out.print(f"{title}no difference")
        return
    out.print(f"{title}{number_of(len(moves.moved), 'user')} moved, {moves.stayed} did not")
    rows = [
        (was, now, len(users), shortly([one.arn for one in users]))
        for (was, now), users in moves.ways.items()
    ]
    out.print(table("", ("from", "to", "#users", "who"), rows))


def movements_as_json(moves: Movements) -> list[dict[str, str]]:
    """Give everybody who moved as JSON-compatible values."""
    return [
        {"arn": one.arn, "was": one.was, "now": one.now, "why": one.why}
        for users in moves.ways.values()
        for one in users
    ]
