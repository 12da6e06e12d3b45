"""`rollout policy`: the exact documents that will be written, and how they differ from the seed."""

from __future__ import annotations

import difflib
import json
from enum import StrEnum
from typing import Annotated

import typer

from rollout.cli.options import Config
from rollout.cli.startup import read_settings

app = typer.Typer(help="The policy documents, their difference from the seed, and the evaluator.")


class Which(StrEnum):
    """Which document to print."""

    FULL = "full"
    BRAKE = "brake"
    ENROLMENT = "enrolment"


class Partition(StrEnum):
    """The partitions that there are (AWS-FACTS §9)."""

    AWS = "aws"
    GOV = "aws-us-gov"
    CHINA = "aws-cn"
    ISO = "aws-iso"
    ISO_B = "aws-iso-b"
    ISO_E = "aws-iso-e"
    ISO_F = "aws-iso-f"
    EUSC = "aws-eusc"


@app.callback(invoke_without_command=True)
def policy(
    context: typer.Context,
    which: Annotated[Which, typer.Option("--document", help="Which document.")] = Which.FULL,
    partition: Annotated[Partition, typer.Option("--partition", help="For this partition.")] = Partition.AWS,
    diff: Annotated[
        str | None, typer.Option("--diff", help="Show the difference from: seed.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Print the documents of this rollout.yaml. Asks AWS nothing.

    Example: [bold]rollout policy --diff seed[/]
    """
    if context.invoked_subcommand is not None:
        return
    from rollout.adapters.documents import seed
    from rollout.domain.force_mfa.documents import switched_on
    from rollout.wiring import documents_for

    settings = read_settings(config)
    documents = documents_for(settings, partition.value)
    chosen = {Which.FULL: documents.full, Which.BRAKE: documents.brake, Which.ENROLMENT: documents.enrolment}
    text = _text(chosen[which])
    if diff is None:
        typer.echo(text, nl=False)
        return
    if diff != "seed":
        raise typer.BadParameter(f'there is nothing called "{diff}" to compare with; use: --diff seed')
    for switch in switched_on(settings.domain_amendments()):
        typer.echo(f"# {switch.name}: {switch.purpose}; risk: {switch.risk}")
    lines = difflib.unified_diff(
        _text(seed()).splitlines(keepends=True), text.splitlines(keepends=True), "seed", "rollout.yaml"
    )
    typer.echo("".join(lines), nl=False)


def _text(document: object) -> str:
    return json.dumps(document, indent=4) + "\n"
