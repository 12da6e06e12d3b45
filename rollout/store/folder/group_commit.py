"""Lets threads share one flush to disk, so that safe journal writes stay fast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition

from rollout.errors import RolloutError, Unwritable

START_AGAIN = "run the command again; it continues where this run stopped"


class GroupCommit:
    """Combines lines from several threads into batches for one writer.

    A thread that finds the writer idle writes for all waiting threads; none continues before its own lines are safe.
    After a failed write it is unknown what was stored, so all waiting and later calls raise. `where` names the place in
    such an error.
    """

    def __init__(self, write: Callable[[Sequence[bytes]], None], where: str) -> None:
        """Pass batches to `write`, which returns once they are safe or raises a RolloutError."""
        self._write = write
        self._where = where
        self._turn = Condition()
        self._waiting: list[bytes] = []
        self._taken = 0  # lines received so far
        self._safe = 0  # how many of those are safely stored
        self._busy = False
        self._broken: RolloutError | None = None

    @property
    def taken(self) -> int:
        """The number of lines received so far."""
        return self._taken

    def add(self, lines: Sequence[bytes]) -> None:
        """Store lines; they are safe when this returns. Raises the writer's error, even from another thread's call."""
        with self._turn:
            self._waiting += lines
            self._taken += len(lines)
            mine = self._taken
            while self._safe < mine:
                if self._broken:
                    raise self._broken
                if self._busy:
                    self._turn.wait()
                else:
                    self._write_waiting()

    def close(self) -> None:
        """Accept no more lines, after the write in progress has finished."""
        with self._turn:
            while self._busy:
                self._turn.wait()
            self._broken = self._broken or Unwritable(f"{self._where} is closed", cure=START_AGAIN)

    def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        upto = self._taken
        self._busy = True
        self._turn.release()
        # An interrupted write is as bad as a failed one, so assume a failure until the write has returned.
        outcome: RolloutError | None = Unwritable(
            f"writing to {self._where} was interrupted", cure=START_AGAIN
        )
        try:
            self._write(batch)
            outcome = None
        except RolloutError as problem:
            outcome = problem
        finally:
            self._turn.acquire()
            self._busy = False
            self._broken = self._broken or outcome
            if outcome is None:
                self._safe = upto
            self._turn.notify_all()
