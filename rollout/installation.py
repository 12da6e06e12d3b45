"""Tells how this copy of `rollout` was installed, for cures that name how it is extended."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

DISTRIBUTION = "rollout-mfa"
"""The name of the package on the package index, where `rollout` is the name of somebody else's."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the metadata of a distribution, and the environment that it is in, say about how it got there.

    `url` is where it came from, None for a package index; `checkout` is the folder of an installation that is editable.
    """

    python: str
    requires: tuple[str, ...] = ()
    installer: str = "pip"
    url: str | None = None
    checkout: str | None = None

    def adding(self, extra: str) -> str:
        """Return the command that adds an extra to this installation, and to no other."""
        if self.checkout:
            return f"{self._pip} --editable {shlex.quote(f'{self.checkout}[{extra}]')}"
        packages = shlex.join(self._packages_of(extra))
        match self.installer:
            case "pipx":
                return f"pipx inject {DISTRIBUTION} {packages}"
            case "uv tool":
                with_them = " ".join(f"--with {shlex.quote(one)}" for one in self._packages_of(extra))
                where = f"{DISTRIBUTION} @ {self.url}" if self.url else DISTRIBUTION
                return f"uv tool install {with_them} {shlex.quote(where)}"
            case "uv":
                return f"uv pip install --python {shlex.quote(self.python)} {packages}"
            case _:
                return f"{self._pip} {packages}"

    @property
    def _pip(self) -> str:
        if self.installer == "uv":
            return f"uv pip install --python {shlex.quote(self.python)}"
        return f"{shlex.quote(self.python)} -m pip install"

    def _packages_of(self, extra: str) -> list[str]:
        """The requirements of an extra themselves: an index would be asked for ours by its name."""
        lines = [line.partition(";") for line in self.requires]
        return [name.strip() for name, _, marker in lines if f'extra == "{extra}"' in marker]


def how_to_add(extra: str) -> str:
    """Return the command that adds an extra to the installation that runs."""
    return _this().adding(extra)


def _this() -> Installation:
    here = Path(sys.prefix)
    try:
        known = distribution(DISTRIBUTION)
    except PackageNotFoundError:  # run from a checkout that nobody has installed
        return Installation(sys.executable, checkout=str(Path(__file__).parents[1]))
    if (here / "pipx_metadata.json").exists():
        installer = "pipx"
    elif (here / "uv-receipt.toml").exists():
        installer = "uv tool"
    else:
        installer = (known.read_text("INSTALLER") or "pip").strip()
    source = _source(known)
    url = source.get("url")
    commit = source.get("vcs_info", {}).get("commit_id")
    editable = source.get("dir_info", {}).get("editable", False)
    return Installation(
        sys.executable,
        tuple(known.requires or ()),
        installer,
        f"git+{url}@{commit}" if commit else url,
        str(Path(__file__).parents[1]) if editable else None,
    )


def _source(known: Distribution) -> dict[str, Any]:
    """Read where it was installed from (direct_url.json, PEP 610); nothing for a package index."""
    source: dict[str, Any] = json.loads(known.read_text("direct_url.json") or "{}")
    return source
