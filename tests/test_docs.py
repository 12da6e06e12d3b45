"""The tables of docs/ say what the code says."""

from __future__ import annotations

import re

import pytest

from tests.docs import DOCS, PAGES, filled


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_a_page_are_as_the_code_has_them(page: str):
    text = (DOCS / page).read_text("utf-8")
    assert filled(text, PAGES[page]) == text, "run: make docs"


def test_every_marked_table_is_derived():
    marked = {
        path.name: set(re.findall("<!-- (.+?) -->", path.read_text("utf-8"))) for path in DOCS.glob("*.md")
    }
    derived = {
        page: {f"{edge} {name}" for name in names for edge in ("begin", "end")}
        for page, names in PAGES.items()
    }
    assert derived == {page: names for page, names in marked.items() if names}


def test_a_page_without_its_markers_is_an_error():
    with pytest.raises(ValueError, match="no markers for gates"):
        filled("# Gates\n", PAGES["gates.md"])
