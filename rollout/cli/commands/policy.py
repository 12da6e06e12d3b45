"""Implements `rollout policy`: the exact policy documents, and how they differ from the seed policy."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rollout.cli.endpoint_option import calling_aws, endpoint_ok
from rollout.cli.options import Config, Profile
from rollout.cli.startup import read_settings
from rollout.cli.terminal.console import echo, echo_lines, print_json, warn
from rollout.cli.terminal.help_text import described
from rollout.errors import BadSettings, NoCredentials, WrongUsage

app = typer.Typer()


class Which(StrEnum):
    """The documents that can be printed."""

    FULL = "full"
    BRAKE = "brake"
    ENROLMENT = "enrolment"


class Partition(StrEnum):
    """The AWS partitions (aws-facts.md#partitions-regions-endpoints)."""

    AWS = "aws"
    GOV = "aws-us-gov"
    CHINA = "aws-cn"
    ISO = "aws-iso"
    ISO_B = "aws-iso-b"
    ISO_E = "aws-iso-e"
    ISO_F = "aws-iso-f"
    EUSC = "aws-eusc"


def policy(
    context: typer.Context,
    which: Annotated[Which, typer.Option("--document", help="The document to print.")] = Which.FULL,
    partition: Annotated[
        Partition, typer.Option("--partition", help="The partition to write it for.")
    ] = Partition.AWS,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff", metavar="seed", help="Show the difference from the seed policy.", show_default=False
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Check all documents offline, and with IAM Access Analyzer if there are credentials.",
        ),
    ] = False,
    profile: Profile = None,
    config: Config = None,
) -> None:
    """Print a policy document, show its difference from the seed policy, or check all documents for errors.

    The documents: [bold]full[/] is ForceMFA, [bold]brake[/] is only its Allow statements, and [bold]enrolment[/] only
    allows enrolling a device. AWS is only called for --check.

    Example: [bold]rollout policy --diff seed[/]
    """
    if context.invoked_subcommand is not None:
        return
    from rollout.domain.policy.force_mfa import switched_on
    from rollout.wiring import documents_for
    from rollout.wiring.seed_policy import seed

    settings = read_settings(config)
    documents = documents_for(settings, partition.value)
    chosen = {Which.FULL: documents.full, Which.BRAKE: documents.brake, Which.ENROLMENT: documents.enrolment}
    if check:
        _check({str(name): chosen[name] for name in Which}, profile)
        return
    text = _text(chosen[which])
    if diff is None:
        echo_lines(text)
        return
    if diff != "seed":
        raise WrongUsage(f'cannot compare with "{diff}"', cure="use --diff seed")
    for switch in switched_on(settings.domain_amendments()):
        echo(f"# {switch.name}: {switch.purpose}; risk: {switch.risk}")
    lines = difflib.unified_diff(
        _text(seed()).splitlines(), text.splitlines(), "seed", "rollout.yaml", lineterm=""
    )
    for line in lines:
        echo(line)


def simulate(
    file: Annotated[
        str, typer.Argument(help="A file with JSON lines, or - for standard input.", metavar="FILE")
    ],
) -> None:
    r"""Evaluate requests against policies offline: reads one JSON object per line, writes one result per line.

    A line is {"id", "policies": \[document…], "boundary"?, "scps": \[\[document…] per level]?, "session"?,
    "request": {"action", "resource", "principal", "context", "unknown"?}}.

    Example: [bold]rollout policy simulate queries.jsonl[/]
    """
    from rollout.wiring.policy_checks import question
    from rollout.workflows.simulate import answer

    bad = 0
    for number, line in _lines(file):
        try:
            given = answer(question(line))
        except (ValueError, RecursionError) as error:
            bad += 1
            why = f"line {number}: {_why(error)}"
            warn(f"{_called(file)}, {why}")
            given = {"id": None, "error": why}
        print_json(given, indent=None)
    if bad:
        raise WrongUsage(
            f"{bad} line{'s' if bad > 1 else ''} of {_called(file)} could not be evaluated; all others were",
            cure="see rollout policy simulate --help",
        )


app.callback(invoke_without_command=True, help=described(policy))(calling_aws(policy))
app.command(help=described(simulate))(simulate)


def _called(file: str) -> str:
    return "standard input" if file == "-" else file


def _why(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"not valid JSON: {error.msg} at column {error.colno}"
        case RecursionError():
            return "nested too deeply"
        case _:
            return str(error)


def _lines(file: str) -> Iterator[tuple[int, str]]:
    from rollout.wiring.policy_checks import question_lines

    cure = "name a file with JSON lines in UTF-8, or - for standard input"
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
            lines = question_lines(stream, _called(file))
            yield from ((number, line) for number, line in lines if line.strip())
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror or error}", cure=cure) from error
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{_called(file)} cannot be read: not UTF-8 ({error.reason})", cure=cure) from error


def _check(documents: Mapping[str, Mapping[str, Any]], profile: str | None) -> None:
    from rollout.domain.policy.lint import MANAGED_POLICY_LIMIT, lint, size
    from rollout.wiring.policy_checks import known_actions

    known = known_actions()
    found = 0
    for name, document in documents.items():
        problems = list(lint(document, known))
        found += len(problems)
        echo(f"{name}: {size(document)} of {MANAGED_POLICY_LIMIT} characters, {len(problems)} problems")
        for problem in problems:
            echo(f"  {problem}")
    found += _ask_analyzer(documents, profile)
    if found:
        raise BadSettings(
            f"the policy documents have {found} problem{'s' if found > 1 else ''}",
            cure="check `policy` in rollout.yaml",
        )


def _ask_analyzer(documents: Mapping[str, Mapping[str, Any]], profile: str | None) -> int:
    """Validate the documents with IAM Access Analyzer if there are credentials; return the number of errors."""
    from rollout.domain.people.users import Unread
    from rollout.wiring.policy_checks import access_analyzer

    errors = 0
    try:
        findings_of = access_analyzer(profile, endpoint_ok=endpoint_ok())
        for name, document in documents.items():
            found = findings_of(document)
            if isinstance(found, Unread):
                warn(f"Access Analyzer could not check the documents: {found.why}")
                return errors
            echo(f"{name}: {len(found)} findings by Access Analyzer")
            for finding in found:
                echo(f"  {finding}")
                errors += finding.startswith("ERROR ")
    except NoCredentials as error:
        warn(f"skipped the check by Access Analyzer: {error}")
    return errors


def _text(document: object) -> str:
    return json.dumps(document, indent=4) + "\n"
