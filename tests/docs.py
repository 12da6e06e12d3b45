"""Writes the tables of docs/ that say what the code says (`make docs`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import yaml

from rollout.domain.drift.drift_kinds import Drifted, DriftKind
from rollout.domain.gates import GATES, Needs
from rollout.domain.gates.gate import AnyGate
from rollout.domain.verdicts.verdict import Code, ReasonRow
from rollout.settings import json_schema
from rollout.settings.keys import known_keys

DOCS = Path(__file__).parents[1] / "docs"
Row = tuple[str, ...]


def table(head: Row, rows: Iterable[Row]) -> str:
    """Lay out a Markdown table."""
    lines = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


def code(text: str) -> str:
    """Set commands in code."""
    return re.sub(r"rollout [^;,:]+", lambda found: f"`{found[0]}`", text)


def gates(registry: Iterable[AnyGate] = GATES) -> str:
    """Tell what each gate asks, what opens it, and for how long an override holds."""
    head = ("gate", "asked for", "passes when", "set by", "cure", "an override holds for")
    return table(head, (_gate(gate) for gate in registry))


def _gate(gate: AnyGate) -> Row:
    return (
        f"`{gate.name}`",
        "notify, enforce" if gate.needs is Needs.PLAN else "enforce",
        gate.meaning,
        f"`gates.{gate.name}`" if gate.setting else "always",
        "wait: time alone opens it" if gate.opens_by_time else code(gate.cure.format(wave="W")),
        gate.override_holds,
    )


def gate_keys() -> str:
    """Tell every key below `gates:`."""
    known = [one for one in known_keys() if one.key[0] == "gates" and one.section is None]
    rows = (
        (f"`{one.name}`", f"`{_default(one.key)}`", f"`{one.variable}`", one.field.description or "")
        for one in known
    )
    return table(("key", "default", "variable", "meaning"), rows)


def _default(key: tuple[str, ...]) -> str:
    whole = json_schema()
    schema = whole
    for name in key:
        schema = schema["properties"][name]
        if "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    text = yaml.safe_dump(schema.get("default"), default_flow_style=True, width=1000)
    return text.removesuffix("...\n").strip()


def reasons(codes: Iterable[ReasonRow] = Code) -> str:
    """Tell what each reason means, and what cures it."""
    head = ("reason", "verdict", "what it means", "cure")
    return table(
        head, ((f"`{code}`", f"`{code.leads_to}`", code.meaning, code.cure or "–") for code in codes)
    )


def drift(kinds: Iterable[DriftKind] = Drifted) -> str:
    """Tell what each kind of drift means, whether `--fix` repairs it, and what cures it."""
    head = ("drift", "what it means", "`--fix`", "cure")
    return table(head, ((f"`{kind}`", kind.meaning, kind.fix, _cure(kind)) for kind in kinds))


def _cure(kind: DriftKind) -> str:
    return code(kind.cure.format(who="ARN", account_id="ID", detail="…"))


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "gates.md": {"gates": gates},
    "reports.md": {"reasons": reasons},
    "settings.md": {"gate keys": gate_keys},
    "undoing.md": {"drift": drift},
}
"""By page, then by the name in its markers: `<!-- begin NAME -->` and `<!-- end NAME -->`."""


def filled(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """Put each table between its markers. Raises ValueError where a page lacks them."""
    for name, write in tables.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, found, rest = text.partition(begin)
        _, found_too, after = rest.partition(end)
        if not found or not found_too:
            raise ValueError(f"no markers for {name}")
        text = f"{before}{begin}\n\n{write()}\n\n{end}{after}"
    return text


def main() -> None:
    """Write them all."""
    for page, tables in PAGES.items():
        path = DOCS / page
        path.write_text(filled(path.read_text("utf-8"), tables), "utf-8")


if __name__ == "__main__":
    main()
