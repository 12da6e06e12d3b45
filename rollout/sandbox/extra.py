"""Says clearly that a part is missing, before an import deep inside moto says it unclearly."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED = ("moto", "flask", "flask_cors", "werkzeug")


class SandboxExtraMissing(ImportError):
    """The embedded organization needs moto and flask, which only the `sandbox` extra brings."""


def require_extra() -> None:
    """Refuse to go on without what the `sandbox` extra brings."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        message = f"the embedded organization is not installed: {', '.join(missing)} missing"
        raise SandboxExtraMissing(message, name=missing[0])
