"""Implements `rollout init`: writes a commented starter rollout.yaml, and its JSON Schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rollout.cli.terminal.console import err, out
from rollout.errors import Unwritable, WrongUsage


def init(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="The folder to write to.", file_okay=False)
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
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
        raise WrongUsage(f"these files already exist: {', '.join(there)}", cure="use --force to replace them")
    for path, text in texts.items():
        try:
            path.write_text(text, "utf-8")
        except OSError as error:
            raise Unwritable(
                f"cannot write {path}: {error.strerror}",
                cure="create the folder first, or choose another --folder",
            ) from error
        out.print(f"Wrote {path}", markup=False)
    err.print("Next: set `organization` in rollout.yaml, check the other keys, then run `rollout plan`")
