"""Implements `rollout init`: writes a commented starter rollout.yaml, and its JSON Schema for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from rollout.cli.terminal.console import next_step, out
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
    store_key: Annotated[
        Path | None,
        typer.Option(
            "--store-key",
            metavar="FILE",
            help="Also make a new key to seal the store with, in this file outside of the store; with an existing "
            "rollout.yaml, make nothing else.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a commented rollout.yaml and rollout.schema.json.

    Each file is replaced whole or not at all; a key is never replaced.

    Example: [bold]rollout init[/] and then open rollout.yaml in an editor.
    """
    from rollout.settings import json_schema, starter_text
    from rollout.wiring.output import make_key_file, private_file

    if store_key is not None and not schema_only and (folder / "rollout.yaml").exists() and not force:
        make_key_file(store_key)
        out.print(f"Wrote {store_key}")
        named = f"store_key: file:{store_key.absolute()}"
        next_step(f"add `{named}` to rollout.yaml, then run `rollout seal`")
        return
    texts = {folder / "rollout.schema.json": json.dumps(json_schema(), indent=2) + "\n"}
    if not schema_only:
        texts = {folder / "rollout.yaml": _starter(starter_text(), store_key), **texts}
    there = [str(path) for path in texts if path.exists()]
    if there and not (force or schema_only):
        raise WrongUsage(f"these files already exist: {', '.join(there)}", cure="use --force to replace them")
    if not folder.is_dir():
        raise Unwritable(f"there is no folder {folder}", cure="create it first, or choose another --folder")
    if store_key is not None and not schema_only:
        make_key_file(store_key)
        out.print(f"Wrote {store_key}")
    for path, text in texts.items():
        with private_file(path) as stream:
            stream.write(text.encode())
        out.print(f"Wrote {path}")
    if not schema_only:
        next_step("set `organization` in rollout.yaml, check the other keys, then run `rollout doctor`")


def _starter(text: str, store_key: Path | None) -> str:
    """Name the key in the starter file."""
    if store_key is None:
        return text
    return text.replace("store_key: null", f"store_key: {json.dumps(f'file:{store_key.absolute()}')}")
