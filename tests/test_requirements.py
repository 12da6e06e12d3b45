"""Everything that `make` installs is pinned, with the hashes of its files (`make lock`)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
_ALWAYS = [*PROJECT["project"]["dependencies"], *GROUPS["build"]]
_OF_EXTRAS = [one for extra in EXTRAS.values() for one in extra]
WANTED = {
    "sandbox": [*_ALWAYS, *EXTRAS["sandbox"]],
    "dev": [*_ALWAYS, *_OF_EXTRAS],
    "release": [*_ALWAYS, *_OF_EXTRAS, *GROUPS["release"]],
}
_PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+(?:\[[a-z0-9,-]+\])?==\S+)(?P<rest>.*(?:\n +--hash.*)*)", re.MULTILINE
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")


def pins(name: str) -> dict[str, frozenset[str]]:
    """The hashes of each `name==version`; one name may have several, for different versions of Python."""
    text = (ROOT / f"requirements/{name}.txt").read_text()
    found = {pin["name"]: frozenset(_HASH.findall(pin["rest"])) for pin in _PIN.finditer(text)}
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith(("#", "--hash"))]
    assert len(lines) == len(found), "a line that is no pin"
    return found


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=; ]", requirement)[0].lower()


@pytest.mark.parametrize("name", WANTED)
def test_every_dependency_is_pinned_with_the_hash_of_each_file(name: str):
    found = pins(name)
    assert set() == {name_of(one) for one in WANTED[name]} - {name_of(one) for one in found}
    assert [] == [one for one, hashes in found.items() if not hashes]


def test_what_runs_the_demo_is_what_the_tests_use():
    assert pins("sandbox").items() <= pins("dev").items() <= pins("release").items()
    assert "pytest" not in {name_of(one) for one in pins("sandbox")}


def test_what_builds_the_package_is_pinned_too():
    """A build in isolation would take it from the index by its version alone."""
    assert PROJECT["build-system"]["requires"] == GROUPS["build"]
    assert set(GROUPS["build"]) <= set(pins("sandbox"))


def test_make_installs_nothing_else():
    """From an index only what has a hash on record; from the checkout no dependency, and nothing to build it with."""
    installing = [line.strip() for line in MAKEFILE.splitlines() if re.search(r"\binstall\b", line)]
    installing = [line for line in installing if not re.match(r"#|@echo|@\$\(PYTHON\) -m venv|\w+:", line)]
    assert [
        "HASHED := install --require-hashes --only-binary :all: --requirement",
        "CHECKOUT := $(PIP) install --no-deps --no-build-isolation --editable .",
    ] == installing
    pinned = re.findall(r"\$\((?:PINNED|HASHED)\) (\S+)", MAKEFILE)
    assert {f"requirements/{name}.txt" for name in WANTED} == set(pinned)
