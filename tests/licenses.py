"""The licenses of everything that `make` installs, as the packages declare them; docs/licenses.md is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
ALLOWED = frozenset(
    (
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC"),
        *("MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
    )
)
"""Each lets anybody use and pass on the package as it is, in a program under another license."""
# In the words of older metadata. Of "BSD", the file in the package says which.
_SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",  # python-dateutil
}
_NOT_EVERYWHERE = {"colorama": "BSD-3-Clause", "flit-core": "BSD-3-Clause", "tzdata": "Apache-2.0"}
"""What some systems or environments need not have installed."""
_ONLY_IN_FILE = {"axe-playwright-python": "MIT AND MPL-2.0"}
"""By the package's files: its metadata name no license, and axe-core inside has one of its own."""

_EXTRAS = {"apprise": "channels", "distributed": "dask", "py-ocsf-models": "ocsf", "pyarrow": "parquet"}
"""What else these need is listed with the tests, which need all of them."""


def names_in(file: str) -> list[str]:
    """The packages of a file of requirements."""
    lines = (REQUIREMENTS / f"{file}.txt").read_text().splitlines()
    return sorted({re.split(r"[\[=]", line)[0] for line in lines if re.match("[a-z]", line)})


def license_of(name: str) -> str:
    """The SPDX expression of a package's license. Raises ValueError where its metadata do not tell one."""
    if name in _ONLY_IN_FILE:
        return _ONLY_IN_FILE[name]
    try:
        found = metadata(name).json
    except PackageNotFoundError:
        return _NOT_EVERYWHERE[name]
    classifiers = found.get("classifier") or ()
    classified = [line.rpartition(" :: ")[2] for line in classifiers if "License ::" in line]
    for words in (found.get("license_expression"), found.get("license"), *classified):
        if isinstance(words, str) and (words in _SPDX or set(parts_of(words)) <= ALLOWED):
            return _SPDX.get(words, words)
    raise ValueError(
        f"{name} has none of the licenses in tests/licenses.py: {found.get('license')}, {classified}"
    )


def parts_of(expression: str) -> list[str]:
    """The licenses of an SPDX expression."""
    return re.split(r" (?:AND|OR) ", expression.replace("(", "").replace(")", ""))


def rows() -> Iterator[tuple[str, str, str]]:
    """Package, license, and what needs it."""
    shipped = set(names_in("sandbox"))
    for name in names_in("dev"):
        if name == "flit-core":
            needed = "building"
        elif name in _EXTRAS:
            needed = f"the extra `{_EXTRAS[name]}`"
        else:
            needed = "running, the sandbox included" if name in shipped else "tests and checks"
        yield name, f"`{license_of(name)}`", needed
