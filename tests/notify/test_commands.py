"""The commands of a notice: the real model of AWS knows them, and profiles have what the CLI reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from configparser import ConfigParser
from itertools import pairwise

import botocore.session
import pytest
from botocore import xform_name
from botocore.validate import ParamValidator

from rollout.notify.digest import blocks
from rollout.notify.words import words_in
from tests.notify.situations import every_notice

# Options that the AWS CLI adds to those of the model (aws-facts.md#cli-after-enforcement).
ADDED = {"--profile", "--outfile", "--bootstrap-method"}
CODES = {"FIRST-CODE": "123456", "NEXT-CODE": "654321", "CODE": "123456"}
WITHOUT_MODEL = {
    ("configure", "mfa-login"): {"--profile", "--update-profile", "--serial-number"},
    ("configure", "set"): {"--profile"},
    ("login",): set(),
}


def commands_in(lines: tuple[str, ...]) -> Iterator[list[str]]:
    """Split the lines of a block into words, as a shell would."""
    return map(shlex.split, lines)


def all_commands() -> list[list[str]]:
    words = words_in("en", None)
    found = [
        command
        for notice, head in every_notice()
        for block in blocks(notice, words, head)
        if block.kind == "command"
        for command in commands_in(block.items)
    ]
    return [list(one) for one in dict.fromkeys(map(tuple, found))]


def options_of(command: list[str]) -> dict[str, str]:
    return {name: value for name, value in pairwise(command) if name.startswith("--")}


@pytest.mark.parametrize(
    "command", [one for one in all_commands() if one[0] in ("aws", "aws-vault")], ids=" ".join
)
def test_the_cli_knows_the_command_and_its_options(command: list[str]):
    if command[0] == "aws-vault":
        assert ["aws-vault", "exec", "default", "--", "aws"] == command[:5]
        command = command[4:]
    _, service, *rest = command
    known = next(
        (names for head, names in WITHOUT_MODEL.items() if tuple(command[1 : 1 + len(head)]) == head), None
    )
    if known is not None:
        assert {*options_of(command)} <= known
        return
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert rest[0] in operations
    shape = model.operation_model(operations[rest[0]]).input_shape
    members = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())}
    assert {*options_of(command)} <= members | ADDED
    if shape:
        given = {name: options_of(command).get(f"--{xform_name(name, '-')}") for name in shape.members}
        typed = {name: CODES.get(text, text) for name, text in given.items() if text is not None}
        report = ParamValidator().validate(typed, shape)
        assert not report.has_errors(), report.generate_report()
        for name, text in typed.items():
            pattern = shape.members[name].metadata.get("pattern", ".*")
            assert re.fullmatch(pattern, text)


def test_profiles_with_roles_have_what_the_cli_reads():
    lines = [
        block.items
        for notice, head in every_notice()
        for block in blocks(notice, words_in("en", None), head)
        if block.kind == "command" and block.items[0].startswith("[")
    ]
    assert lines
    for one in lines:
        config = ConfigParser()
        config.read_string("\n".join(one))
        (section,) = config.sections()
        assert section.startswith("profile ")
        assert {"role_arn", "source_profile", "mfa_serial"} == {*config[section]}
