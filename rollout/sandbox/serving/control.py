"""Serves the sandbox's own HTTP paths, for its state and its clock, to clients with the token of its state file."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from rollout.sandbox.serving.kept_state import PREFIX, TOKEN_HEADER

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from rollout.sandbox.world.world import SandboxWorld


class Control:
    """Answers `GET state`, `POST advance` and `POST stop`.

    A sandbox ends itself: whoever wants it to needs its token, and no process is ended by a number that may be wrong.
    """

    def __init__(self, world: SandboxWorld, token: str, stop: Callable[[], None] | None = None) -> None:
        """Protect the world with a token. `stop` begins its end; None where it ends with its process."""
        self._world, self._token, self._stop = world, token, stop

    def __call__(self, request: Request) -> Response:
        """Answer one control request."""
        if not hmac.compare_digest(request.headers.get(TOKEN_HEADER, "").encode(), self._token.encode()):
            return _json({"error": "wrong or missing token"}, 403)
        match request.method, request.path.removeprefix(PREFIX):
            case "GET", "state":
                return _json(self._state())
            case "POST", "advance":
                try:
                    self._world.clock.advance(timedelta(seconds=float(request.get_data(as_text=True))))
                except (OverflowError, ValueError) as error:
                    return _json({"error": str(error)}, 400)
                return _json(self._state())
            case "POST", "stop" if self._stop:
                self._stop()
                return _json(self._state())
            case _:
                return _json({"error": "no such control"}, 404)

    def _state(self) -> dict[str, Any]:
        return {
            "now": self._world.clock.now().isoformat(),
            "organization": self._world.ids.organization(),
            "pid": os.getpid(),
        }


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")
