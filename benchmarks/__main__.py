"""Measures `rollout` against what is wanted of it, and prints the table: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.rows import SIZES, TIMES, Row

RECORDED = Path(__file__).with_name("recorded.json")
WORSE = 2.0
"""So many times the recorded ratio, and it is a failure; in between may be the machine."""


def table(rows: Iterable[Row]) -> str:
    """Write the rows as Markdown."""
    lines = ["| what | wanted | measured | | took |", "|---|---|---|---|---|"]
    for row in rows:
        verdict = "met" if row.good else "missed"
        lines.append(
            f"| {row.name} | ≤ {row.wanted:g} {row.unit} | {row.value:.2f} {row.unit} | {verdict} | {row.said} |"
        )
    return "\n".join(lines)


def calls_of(rows: Iterable[Row]) -> str:
    """Write the calls a user by operation, of the rows that have them."""
    parts = []
    for row in rows:
        if row.calls:
            counts = ", ".join(f"{name} {count:.2f}" for name, count in row.calls.items() if count >= 0.005)
            parts.append(f"- {row.name}: {counts}")
    return "\n".join(parts)


def worse(rows: Iterable[Row], recorded: Mapping[str, float]) -> list[str]:
    """Say which ratios and counts are more than twice those recorded; the others hang on the machine."""
    return [
        f"{row.name}: {row.value:.2f} {row.unit}, more than twice the recorded {recorded[row.name]:.2f}"
        for row in rows
        if row.unit in {TIMES, "calls", "writes"} and row.value > WORSE * recorded.get(row.name, float("inf"))
    ]


def main() -> int:
    """Measure, print, and compare with what is recorded."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--size", choices=SIZES, default="full", help="small: under half a minute; million: an hour"
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only the parts of that number, such as 1,4"
    )
    parser.add_argument("--record", action="store_true", help="write the ratios to benchmarks/recorded.json")
    chosen = parser.parse_args()
    parts = SIZES[chosen.size]
    wanted = [int(number) for number in chosen.only.split(",")] if chosen.only else range(1, len(parts) + 1)
    rows: list[Row] = []
    for number in wanted:
        for row in parts[number - 1]():
            sys.stderr.write(
                f"{number}: {row.name}: {row.value:.2f} {row.unit} (≤ {row.wanted:g}); {row.said}\n"
            )
            rows.append(row)
    sys.stdout.write(f"{table(rows)}\n\n{calls_of(rows)}\n")
    recorded: dict[str, float] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    if chosen.record:
        recorded |= {row.name: round(row.value, 2) for row in rows if row.unit in {TIMES, "calls", "writes"}}
        RECORDED.write_text(json.dumps(recorded, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    problems = worse(rows, recorded)
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
