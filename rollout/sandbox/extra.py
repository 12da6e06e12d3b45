"""Checks that the `sandbox` extra is installed, for a clearer error than an import deep inside moto gives."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED = ("moto", "flask", "flask_cors", "werkzeug")


class SandboxExtraMissing(ImportError):
    """The sandbox needs moto and flask, which only the `sandbox` extra installs."""


def require_extra() -> None:
    """Raise SandboxExtraMissing unless the `sandbox` extra is installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        message = f"the sandbox is not installed: {', '.join(missing)} missing"
        raise SandboxExtraMissing(message, name=missing[0])
