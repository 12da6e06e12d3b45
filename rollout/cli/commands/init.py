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
    schema_only: Annotated[
        bool,
        typer.Option("--schema-only", help="Write only rollout.schema.json, and replace an existing one."),
    ] = False,
) -> None:
    """Write a commented rollout.yaml and rollout.schema.json.

    Each file is replaced whole or not at all.

    Example: [bold]rollout init[/] and then open rollout.yaml in an editor.
    """
    from rollout.settings import json_schema, starter_text
    from rollout.wiring.output import private_file

    texts = {folder / "rollout.schema.json": json.dumps(json_schema(), indent=2) + "\n"}
    if not schema_only:
        texts = {folder / "rollout.yaml": starter_text(), **texts}
    there = [str(path) for path in texts if path.exists()]
    if there and not (force or schema_only):
        raise WrongUsage(f"these files already exist: {', '.join(there)}", cure="use --force to replace them")
    if not folder.is_dir():
        raise Unwritable(f"there is no folder {folder}", cure="create it first, or choose another --folder")
    for path, text in texts.items():
        with private_file(path) as stream:
            stream.write(text.encode())
        out.print(f"Wrote {path}", markup=False)
    if not schema_only:
        err.print("Next: set `organization` in rollout.yaml, check the other keys, then run `rollout plan`")
