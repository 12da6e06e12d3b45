"""docs/architecture.md says where things are; they are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
WALK = re.findall(r"^\| \d+ \| `(\w+)` \| `([\w/.]+)` \|", PAGE, re.MULTILINE)


def test_a_user_takes_ten_forms_at_most():
    assert 0 < len(WALK) <= 10


@pytest.mark.parametrize(("form", "module"), WALK)
def test_each_form_of_the_walk_is_where_the_page_says(form: str, module: str):
    tree = ast.parse((ROOT / "rollout" / module).read_text("utf-8"))
    assert form in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_every_path_on_the_page_exists():
    """Paths are written below the repository, or below rollout/."""
    paths = set(re.findall(r"`((?:[a-z_0-9]+/)+(?:[a-z_0-9]+\.(?:py|md))?)`", PAGE))
    assert {"workflows/account_run/", "domain/progress/projection.py"} <= paths
    missing = [
        path for path in paths if not (ROOT / path).exists() and not (ROOT / "rollout" / path).exists()
    ]
    assert [] == missing


def test_every_room_is_on_the_page():
    rooms = {path.name for path in (ROOT / "rollout").iterdir() if (path / "__init__.py").exists()}
    assert set() == {room for room in rooms if not re.search(rf"\b{room}\b", PAGE)}


def test_the_rooms_of_the_domain_are_in_the_order_of_the_page():
    """An arrow may only point to the left."""
    line = re.search(r"domain +(people [^\n]*)", PAGE)
    assert line
    order = re.findall(r"[a-z]+", line[1])
    rooms = {path.name for path in (ROOT / "rollout/domain").iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(order)
    beside = {"status", "drift", "diagnosis"}
    wrong = [
        f"{room} imports {other}"
        for room in rooms
        for other in imports_of(room) & rooms
        if order.index(other) > order.index(room) and not {room, other} <= beside
    ]
    assert [] == wrong


def imports_of(room: str) -> set[str]:
    """The rooms of the domain that a room imports from."""
    modules = (ROOT / "rollout/domain" / room).rglob("*.py")
    text = "\n".join(module.read_text("utf-8") for module in modules)
    return set(re.findall(r"^from rollout\.domain\.(\w+)", text, re.MULTILINE))
