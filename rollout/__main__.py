"""Runs the command line; every foreseeable bad ending becomes one clear message and an exit code."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `rollout` and leave with its exit code."""
    from rollout.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
