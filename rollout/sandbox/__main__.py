"""Runs a sandbox in its own process, so that it outlives the command that started it."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from datetime import datetime
from pathlib import Path

from rollout.sandbox.serving.kept_state import KeptState, forget_state, read_state, write_state
from rollout.sandbox.serving.server import Sandbox

_LOOK_EVERY = 2.0  # seconds between checks that the state file still exists


def main() -> None:
    """Serve until asked to stop, until SIGTERM or SIGINT arrives, or until the sandbox's folder is deleted."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with Sandbox.start(
        datetime.fromisoformat(options.now),
        port=options.port,
        instance=options.instance,
        when_asked_to_stop=ended.set,
    ) as sandbox:
        state = KeptState(
            pid=os.getpid(),
            port=sandbox.port,
            token=sandbox.control_token,
            instance=sandbox.instance,
            organization=sandbox.organization_id,
            environment=sandbox.environment(),
        )
        write_state(options.folder, state)
        while not ended.wait(_LOOK_EVERY) and read_state(options.folder) == state:
            pass
    if read_state(options.folder) == state:
        forget_state(options.folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rollout.sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="the folder that contains .rollout/")
    parser.add_argument("--now", required=True, help="the time to start at, in ISO 8601 format")
    parser.add_argument("--instance", required=True, help="the seed of all IDs")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; default: any free port")
    return parser.parse_args()


if __name__ == "__main__":
    main()
