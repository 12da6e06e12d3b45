"""What docs/security.md says of files, to compare with those that are there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs/security.md").read_text()
FILES = re.findall(r"`([^` ]+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)))
"""The first column of its table of files: `journal/<run>.jsonl`."""


def is_file(pattern: str, path: str) -> bool:
    """Tell whether the path is one of those that a line of the table means."""
    return re.search(f"(^|/){re.sub('<[a-z]+>', '[^/]+', re.escape(pattern))}$", path) is not None


def not_listed(paths: Iterable[str]) -> list[str]:
    """The files that the page does not know."""
    return [path for path in paths if not any(is_file(pattern, path) for pattern in FILES)]
