"""Whatever README and docs tell people to type exists: commands, options, and the YAML that they are to copy."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from rollout.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = r"(?:^|[`\s(])rollout (?=[a-z-]+)"


def typed(text: str) -> list[str]:
    """Lines of blocks for a shell, and commands within sentences."""
    lines = []
    for block in re.findall(r"(?ms)^ *```(?:sh|bash|console)\n(.*?)^ *```", text):
        lines += [line.strip() for line in block.replace("\\\n", " ").splitlines()]
    within = re.findall(r"`(rollout [a-z][^`\n]*(?:\n[^`\n]+)?)`", re.sub(r"(?ms)^ *```.*?^ *```", "", text))
    return [line for line in lines if re.search(MARK, line)] + [" ".join(each.split()) for each in within]


def wrong_in(line: str) -> list[str]:
    """The words of a command that do not exist."""
    command = typer.main.get_command(app)
    words = [word.partition("|")[0] or word for word in shlex.split(line.replace("…", "X"), comments=True)]
    words = words[words.index("rollout") + 1 :] if "rollout" in words else words[1:]
    for end in ("|", ">", "&&", ";", "||"):
        words = words[: words.index(end)] if end in words else words
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]  # only a group has them
    if getattr(command, "commands", None) and words and not words[0].startswith("-") and words[0].islower():
        return words[:1]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_in_a_page_exists(page: Path):
    wrong = {line: found for line in typed(page.read_text()) if (found := wrong_in(line))}
    assert {} == wrong


def test_a_wrong_option_is_found():
    assert ["--stages"] == wrong_in("rollout apply --stages notify --yes > out.txt")
    assert ["aply"] == wrong_in("rollout aply")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_yaml_block_in_a_page_is_valid(page: Path):
    for block in re.findall(r"(?ms)^```ya?ml\n(.*?)^```", page.read_text()):
        assert yaml.safe_load(block), block
