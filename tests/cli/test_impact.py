"""What enforcement means to how many users: the same figures in the plan, the commands and the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.cli.shell import Said, Shell

TITLE = "Impact on users not enforced yet"
FIGURES = ("enrol", "without_device", "cli", "nothing", "no_notice")


def header_of(shell: Shell) -> dict[str, dict[str, int]]:
    """The impact by wave as the first document of the plan file has it."""
    (plan,) = (shell.folder / "plans").glob("*.yaml")
    with plan.open() as stream:
        impact: dict[str, dict[str, int]] = next(iter(yaml.safe_load_all(stream)))["impact"]
    return impact


def rows(text: str, title: str) -> dict[str, dict[str, int]]:
    """The table below a title: wave, users, and the five figures."""
    below = text.partition(title)[2].splitlines()[2:]
    found = (
        re.fullmatch(r"(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*", line) for line in below
    )
    table = {}
    for match in found:
        if match is None:
            break
        wave, users, *figures = match.groups()
        table[wave] = dict(zip(FIGURES, map(int, figures), strict=True))
        assert int(users) == sum(table[wave][name] for name in ("enrol", "cli", "nothing"))
    return table


def page_of(said: Said) -> str:
    text = Path(said.json["html"]).read_text()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def total(figures: dict[str, dict[str, int]], name: str) -> int:
    return sum(wave[name] for wave in figures.values())


def test_plan_file_commands_and_page_give_the_same_figures(planned: Shell):
    in_file = header_of(planned)
    assert {"canary", "non-production", "rest"} == in_file.keys()
    again = planned("plan", "--json").json["impact"]
    status = {wave["wave"]: wave["impact"] for wave in planned("status", "--json").json}
    assert in_file == again == status
    printed = rows(planned("plan").out, TITLE)
    shown = rows(planned("show").out, TITLE)
    stands = rows(planned("status").out, TITLE)
    assert in_file == printed == shown == stands
    page = page_of(planned("report", "--json"))
    assert (
        f"{total(in_file, 'enrol')} must enrol a device ({total(in_file, 'without_device')} have none)"
        in page
    )
    assert all(total(in_file, name) for name in FIGURES), "each figure is worth comparing"


def test_the_figures_are_those_of_the_users_to_be_enforced(planned: Shell):
    said = planned("show", "--json").json
    users = [
        user for account in said["accounts"] for user in account["users"] if user["verdict"] == "enforce"
    ]
    figures = planned("plan", "--json").json["impact"]
    assert sum(user["impact"] in ("enrol", "passkey-only") for user in users) == total(figures, "enrol")
    assert sum(user["impact"] == "enrol" for user in users) == total(figures, "without_device")
    assert sum(user["impact"] == "cli" for user in users) == total(figures, "cli")
    assert sum(user["impact"] == "none" for user in users) == total(figures, "nothing")


@pytest.mark.parametrize("command", ["plan", "status"])
def test_list_names_everybody_behind_the_figures(command: str, planned: Shell):
    figures = header_of(planned)
    said = planned(command, "--list").out.partition("Users behind these figures")[2]
    names = re.findall(r"\d{12}/\S+", said)
    assert len(names) == len(set(names)) == sum(total(figures, name) for name in ("enrol", "cli", "nothing"))
    assert said.count("(no device)") == total(figures, "without_device")
