"""A cure adds packages to this very installation, and no line that anybody may copy installs a stranger's package."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rollout.installation import DISTRIBUTION, Installation, how_to_add

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
BY_PIP = Installation(
    "/opt/my venv/bin/python",
    requires=(
        "boto3>=1.44",
        "a[b]>=1; extra == 'other'",
        'a[b]>=1; extra == "parquet"',
        'c; extra == "parquet"',
    ),
)
GIT = "git+https://git.example.com/rollout@0123abc"


@pytest.mark.parametrize(
    ("installed", "command"),
    [
        (BY_PIP, "'/opt/my venv/bin/python' -m pip install 'a[b]>=1' c"),
        (replace(BY_PIP, url=GIT), "'/opt/my venv/bin/python' -m pip install 'a[b]>=1' c"),
        (replace(BY_PIP, installer="uv"), "uv pip install --python '/opt/my venv/bin/python' 'a[b]>=1' c"),
        (replace(BY_PIP, installer="pipx"), "pipx inject rollout-mfa 'a[b]>=1' c"),
        (
            replace(BY_PIP, installer="uv tool"),
            "uv tool install --with 'a[b]>=1' --with c rollout-mfa",
        ),
        (
            replace(BY_PIP, installer="uv tool", url=GIT),
            f"uv tool install --with 'a[b]>=1' --with c 'rollout-mfa @ {GIT}'",
        ),
        (
            replace(BY_PIP, checkout="/src/rollout"),
            "'/opt/my venv/bin/python' -m pip install --editable '/src/rollout[parquet]'",
        ),
        (
            replace(BY_PIP, installer="uv", checkout="/src/rollout"),
            "uv pip install --python '/opt/my venv/bin/python' --editable '/src/rollout[parquet]'",
        ),
    ],
)
def test_the_cure_goes_by_how_this_copy_was_installed(installed: Installation, command: str):
    assert command == installed.adding("parquet")


@pytest.mark.parametrize(
    ("file", "content", "installer"),
    [("pipx_metadata.json", "{}", "pipx inject"), ("uv-receipt.toml", "", "uv tool install --with")],
)
def test_what_installs_tools_is_known_by_what_it_leaves(
    file: str, content: str, installer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    info = tmp_path / "site" / f"{DISTRIBUTION.replace('-', '_')}-9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f'Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 9\nRequires-Dist: some; extra == "parquet"\n'
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert how_to_add("parquet").endswith("-m pip install some")
    (tmp_path / file).write_text(content)
    assert how_to_add("parquet").startswith(installer)
    assert "[parquet]" not in how_to_add("parquet")


# --- Every line that installs something ---

_INSTALLS = re.compile(r"(?:pip|pipx|uv|tool) (?:install|inject)\b(?P<what>[^`\n#]*)")
_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s\"',()]+")
_OF_AN_OPTION = re.compile(r"--(?:python|output-file) \S+|-qq?\b|--[a-z-]+(?: :all:)?")
_OURS_TO_NAME = re.compile(rf"\.|/|-|git\+|\$\(|{{|{DISTRIBUTION}\b|requirements/")
_PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "Makefile", "pyproject.toml")


def strings(source: str) -> Iterator[str]:
    """All texts of a module; what is inserted into one is shown as {}."""
    tree = ast.parse(source)
    inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            yield node.value


def shipped() -> Iterator[tuple[str, str]]:
    """Each text that a person may read, with its file."""
    for path in sorted((ROOT / "rollout").rglob("*")):
        if path.suffix == ".py":
            yield from ((str(path), text) for text in strings(path.read_text()))
        elif path.is_file() and "__pycache__" not in path.parts:
            yield str(path), path.read_text()
    pages = [ROOT / name for name in _PAGES if (ROOT / name).exists()]
    for path in [*pages, *ROOT.glob("docs/**/*.*"), *ROOT.glob(".ci/*"), *ROOT.glob(".github/**/*.y*ml")]:
        yield str(path), path.read_text()


def installed_by(text: str) -> Iterator[str]:
    """What the lines of a text would have installed, options apart."""
    for found in _INSTALLS.finditer(text):
        for word in _WORD.findall(_OF_AN_OPTION.sub(" ", found["what"])):
            yield word.strip("'\"")


def is_a_strangers(name: str) -> bool:
    known = {re.split(r"[\[<>=]", one)[0] for extra in EXTRAS.values() for one in extra}
    return not _OURS_TO_NAME.match(name) and re.split(r"[\[<>=]", name)[0] not in known


@pytest.mark.parametrize(
    ("line", "strangers"),
    [
        ("pip install rollout", ["rollout"]),
        ("pip install 'rollout[sandbox]'", ["rollout[sandbox]"]),
        ("uv tool install rollout", ["rollout"]),
        ("pipx install 'rollout @ git+https://…'", ["rollout @ git+https://…"]),
        ("run pipx inject rollout pyarrow", ["rollout"]),
        ("`pip install rollout-mfa`", []),
        ("pip install '.[parquet]'", []),
        ("pip install --python /x/python pyarrow", []),
        ("pip install . in a checkout", ["in", "a", "checkout"]),
        ("pip install 'rollout-mfa @ git+https://…'", []),
    ],
)
def test_a_strangers_package_would_be_seen(line: str, strangers: list[str]):
    assert strangers == [word for word in installed_by(line) if is_a_strangers(word)]


def test_no_line_anywhere_installs_a_strangers_package():
    texts = list(shipped())
    found = [(path, word) for path, text in texts for word in installed_by(text)]
    assert any(DISTRIBUTION in word for _, word in found)
    assert [] == [(path, word) for path, word in found if is_a_strangers(word)]
    assert [] == [path for path, text in texts if re.search(r"\brollout\[", text)]
