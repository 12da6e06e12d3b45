"""`rollout init`: a starter rollout.yaml, commented, with its JSON Schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rollout.cli.terminal.console import err, out
from rollout.errors import Unwritable, WrongUsage


def init(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="Where to write.", file_okay=False)
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Write a commented rollout.yaml and rollout.schema.json.

    Example: [bold]rollout init[/] and then open rollout.yaml in an editor.
    """
    from rollout.settings import json_schema, starter_text

    texts = {
        folder / "rollout.yaml": starter_text(),
        folder / "rollout.schema.json": json.dumps(json_schema(), indent=2) + "\n",
    }
    there = [str(path) for path in texts if path.exists()]
    if there and not force:
        raise WrongUsage(f"already there: {', '.join(there)}", cure="--force replaces what is there")
    for path, text in texts.items():
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            raise Unwritable(
                f"{path} cannot be written: {error.strerror}",
                cure="make the folder first, or choose another --folder",
            ) from error
        out.print(f"Wrote {path}", markup=False)
    err.print("Next: set organization: in it, look through the rest, then rollout plan")
