"""Rules of the house that no linter knows: names that are unique, folders that are not crowded, reasons, citations."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "rollout").rglob("*.py"))
MOST_FILES = 18

# Names that still stand in several places. Lists that only get shorter: take off what you make unique.
MODULES_TO_RENAME: set[str] = set()
CLASSES_TO_RENAME: set[str] = set()

SUPPRESSION = re.compile(r"#\s*(?:ruff:\s*)?noqa|#\s*type:\s*ignore")
_NOQA = r"# (?:ruff: )?noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)* - \w"
_IGNORE = r"# type:\s?ignore\[[a-z-]+(?:, ?[a-z-]+)*\]  # \w"
WITH_REASON = re.compile(f"{_NOQA}|{_IGNORE}")
NAMED_PATH = re.compile(r"`((?:rollout|tests|docs|benchmarks)/[\w./-]+)`")
CITATION = re.compile(r"(?P<document>design|aws-facts)\.md#(?P<anchor>[\w-]+)")


def lines_of(*folders: str) -> Iterator[tuple[str, str]]:
    """Every line of the Python files there, with its place."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                yield f"{path.relative_to(ROOT)}:{number}", line


def repeated(names: Iterator[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def module_names() -> Iterator[str]:
    """Base names; a command and its workflow of the same name count as one."""
    workflows = {path.stem for path in (ROOT / "rollout/workflows").glob("*.py")}
    for path in MODULES:
        is_command = path.parent.name == "commands" and path.stem in workflows
        if not path.stem.startswith("__") and not is_command:
            yield path.stem


def class_names() -> Iterator[str]:
    for path in MODULES:
        yield from re.findall(r"^class ([A-Za-z]\w*)", path.read_text(), re.MULTILINE)


def test_a_module_name_appears_once():
    assert set() == repeated(module_names()) - MODULES_TO_RENAME


def test_a_class_name_appears_once():
    assert set() == repeated(class_names()) - CLASSES_TO_RENAME


def test_the_lists_of_names_to_make_unique_only_hold_such_names():
    assert set() == MODULES_TO_RENAME - repeated(module_names()), "unique now: take it off the list"
    assert set() == CLASSES_TO_RENAME - repeated(class_names()), "unique now: take it off the list"


def test_no_folder_is_crowded():
    folders = Counter(path.parent for path in MODULES if path.stem != "__init__")
    assert {} == {str(folder.relative_to(ROOT)): n for folder, n in folders.items() if n > MOST_FILES}


def test_every_suppressed_warning_names_its_rule_and_its_reason():
    bare = [
        place
        for place, line in lines_of("rollout", "tests", "benchmarks")
        if len(SUPPRESSION.findall(line)) > len(WITH_REASON.findall(line))
    ]
    assert [] == bare


def test_what_a_subclass_has_to_write_is_an_abstract_method():
    stubs = [place for place, line in lines_of("rollout") if re.search(r"raise NotImplementedError", line)]
    assert [] == stubs


def test_every_path_that_a_page_names_is_there():
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = {(page.name, path) for page in pages for path in NAMED_PATH.findall(page.read_text())}
    assert named
    assert [] == sorted((page, path) for page, path in named if not (ROOT / path).exists())


def test_one_module_prints():
    """It alone keeps text from outside from acting on the terminal; `rich` is a matter of import-linter."""
    printing = re.compile(r"\bprint\(|typer\.(?:echo|secho|confirm|prompt|launch)\b|sys\.(?:stdout|stderr)\b")
    plain = re.compile(r"\b(?:out|err|Console)\.print\(|def \w+print\(")
    others = [
        place
        for place, line in lines_of("rollout/cli", "rollout/wiring")
        if "terminal/console.py" not in place and printing.search(plain.sub("", line))
    ]
    assert [] == others


def test_what_is_printed_is_one_line():
    """Markup and line breaks in a text are shown, not obeyed: `bold`, `table`, and a call for each line do that."""
    obeyed = re.compile(r"""markup=|\.print\((?!table\().*(?:\\n|\[/\]|\[/?bold)|\becho\(.*\\n""")
    assert [] == [place for place, line in lines_of("rollout/cli/commands") if obeyed.search(line)]


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown text, as GitHub makes them of headings."""
    seen: Counter[str] = Counter()
    found = set()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ +(.+?)\s*$", prose, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def test_anchors_are_those_of_github():
    text = "# What `a` means\n## Re-reading, twice\n```\n# no heading\n```\n## Twice!\n## Twice\n"
    assert {"what-a-means", "re-reading-twice", "twice", "twice-1"} == anchors(text)


def test_every_citation_names_a_section_that_is_there():
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for path in [*MODULES, *(ROOT / "tests").rglob("*.py"), *pages]:
        for cited in CITATION.finditer(path.read_text()):
            places[cited["document"], cited["anchor"]].append(str(path.relative_to(ROOT)))
    there = {name: anchors((ROOT / f"docs/{name}.md").read_text()) for name in ("design", "aws-facts")}
    assert places
    assert {} == {cited: where for cited, where in places.items() if cited[1] not in there[cited[0]]}
