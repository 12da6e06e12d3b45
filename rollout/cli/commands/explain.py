"""Implements `rollout explain`: what a code means that another command has printed, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from rollout.cli.options import Json
from rollout.cli.terminal.console import bold, out, print_json


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE",
            help="A code that a command has printed: an error, reason, gate, check or drift, or an exit code.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a code means that another command has printed, and what to do about it; without CODE, list them all.

    Example: [bold]rollout explain first-sign-in[/]
    """
    from rollout.cli.terminal.explanations import explained, explanations

    found = list(explanations()) if code is None else explained(code)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    kind = ""
    for one in found:
        if code is None:
            if one.kind != kind:
                kind = one.kind
                out.print()
                out.print(bold(f"{kind[0].upper()}{kind[1:]}"))
            out.print(f"  {one.code}")
            continue
        out.print(f"{one.code} ({one.kind})")
        out.print(f"  {one.meaning}")
        if one.cure:
            out.print(f"  Cure: {one.cure}")
        out.print(f"  More: docs/{one.page}")
