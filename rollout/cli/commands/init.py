"""Implements `rollout init`: writes a commented starter rollout.yaml, its JSON Schema, and templates of roles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rollout.cli.options import Config
from rollout.cli.startup import read_settings
from rollout.cli.terminal.console import next_step, out, warn
from rollout.errors import Unwritable, WrongUsage


class Language(StrEnum):
    """What the templates of roles are written for."""

    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"


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
    roles: Annotated[
        Language | None,
        typer.Option(
            "--roles",
            help="Write, into the folder `roles`, templates of a reading and a writing role with exactly the rights "
            "that rollout needs under the present settings, and of what protects them; nothing else.",
            show_default=False,
        ),
    ] = None,
    callers: Annotated[
        list[str] | None,
        typer.Option(
            "--caller",
            metavar="ARN",
            help="With --roles: a role or user that may assume both. Its end may be *. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    reading_callers: Annotated[
        list[str] | None,
        typer.Option(
            "--reading-caller",
            metavar="ARN",
            help="With --roles: one that may only assume the reading role, such as a nightly job. Can be repeated.",
            show_default=False,
        ),
    ] = None,
    require_mfa: Annotated[
        bool,
        typer.Option(
            "--require-mfa",
            help="With --roles: trust only callers who have signed in with MFA. Sessions of IAM Identity Center and "
            "of OIDC never say so.",
        ),
    ] = False,
    for_proof: Annotated[
        bool,
        typer.Option(
            "--for-proof", help="With --roles: let the writing role also do what `rollout prove` needs."
        ),
    ] = False,
    config: Config = None,
) -> None:
    """Write a commented rollout.yaml and rollout.schema.json, or templates of the roles that rollout needs.

    Each file is replaced whole or not at all; a key is never replaced.

    Example: [bold]rollout init[/] and then open rollout.yaml in an editor.
    """
    if roles is not None:
        given = _Roles(roles, callers or [], reading_callers or [], mfa=require_mfa, proof=for_proof)
        _write_roles(given, folder, config, force=force)
        return
    if callers or reading_callers or require_mfa or for_proof:
        raise WrongUsage("--caller, --reading-caller, --require-mfa and --for-proof go with --roles")
    from rollout.settings import json_schema, starter_text
    from rollout.wiring.output import make_key_file

    if store_key is not None and not schema_only and (folder / "rollout.yaml").exists() and not force:
        make_key_file(store_key)
        out.print(f"Wrote {store_key}")
        named = f"store_key: file:{store_key.absolute()}"
        next_step(f"add `{named}` to rollout.yaml, then run `rollout seal`")
        return
    texts = {folder / "rollout.schema.json": json.dumps(json_schema(), indent=2) + "\n"}
    if not schema_only:
        texts = {folder / "rollout.yaml": _starter(starter_text(), store_key), **texts}
    _check_new(texts, folder, force=force or schema_only)
    if store_key is not None and not schema_only:
        make_key_file(store_key)
        out.print(f"Wrote {store_key}")
    _write(texts)
    if not schema_only:
        next_step("set `organization` in rollout.yaml, check the other keys, then run `rollout doctor`")


def _starter(text: str, store_key: Path | None) -> str:
    """Name the key in the starter file."""
    if store_key is None:
        return text
    return text.replace("store_key: null", f"store_key: {json.dumps(f'file:{store_key.absolute()}')}")


def _check_new(paths: Iterable[Path], folder: Path, *, force: bool) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there and not force:
        raise WrongUsage(f"these files already exist: {', '.join(there)}", cure="use --force to replace them")
    if not folder.is_dir():
        raise Unwritable(f"there is no folder {folder}", cure="create it first, or choose another --folder")


def _write(texts: Mapping[Path, str]) -> None:
    from rollout.wiring.output import private_file

    for path, text in texts.items():
        with private_file(path) as stream:
            stream.write(text.encode())
        out.print(f"Wrote {path}")


@dataclass(frozen=True)
class _Roles:
    language: Language
    callers: Sequence[str]
    reading_callers: Sequence[str]
    mfa: bool
    proof: bool


def _write_roles(wanted: _Roles, folder: Path, config: Path | None, *, force: bool) -> None:
    from rollout.wiring.role_templates import READER_ROLE, WRITER_ROLE, role_templates

    settings = read_settings(config)
    texts = {
        folder / "roles" / path: text
        for path, text in role_templates(
            settings,
            wanted.language,
            wanted.callers,
            wanted.reading_callers,
            mfa=wanted.mfa,
            proof=wanted.proof,
        ).items()
    }
    _check_new(texts, folder, force=force)
    _write(texts)
    if settings.organization is None:
        warn("`organization` is not set, so the roles trust their callers whatever organization they are in")
    next_step(
        "read the head of each file, apply `roles` to every account, then set in rollout.yaml "
        f"`access: {{roles: [{WRITER_ROLE}], reading_roles: [{READER_ROLE}], own_account_role: {WRITER_ROLE}}}` "
        "and run `rollout doctor`"
    )
