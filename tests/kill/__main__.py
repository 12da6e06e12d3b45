"""`make kill`: the whole kill test, with its figures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import SystemRandom

from tests.kill.killing import Kills, kill_test
from tests.kill.organization import Size


def main() -> None:
    """Run it once, and print what it came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--accounts", type=int, default=40)
    parser.add_argument("--users", type=int, default=50, help="in each account")
    parser.add_argument("--waves", type=int, default=2)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument(
        "--undo-kills", type=int, default=10, help="of the rollback afterwards; 0: by --stride"
    )
    parser.add_argument("--notify-kills", type=int, default=5, help="of telling people before")
    parser.add_argument(
        "--stride",
        type=int,
        default=200,
        help="a kill at every so-many-th write of release and of verify --fix",
    )
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--keep", type=Path, help="a folder for store and logs; by default they go away")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rollout-kill-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = kill_test(
            folder,
            Size(options.accounts, options.users, options.waves),
            Kills(options.kills, options.undo_kills, options.notify_kills, options.stride),
            options.seed,
        )
    sys.stdout.write(f"{figures}\n")


if __name__ == "__main__":
    main()
